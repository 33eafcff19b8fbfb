//! Plots as SVG: straight axes from zero, one line with marks per curve.

use crate::table::Plot;
use anyhow::{Result, anyhow};
use plotters::prelude::*;
use std::path::Path;

/// Ours first, then the peers: told apart without colour vision too, by their order in the legend.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 86, 86),
];

/// Draws a plot into `folder`, as `<name>.svg`.
pub(crate) fn draw(plot: &Plot, folder: &Path) -> Result<()> {
    let path = folder.join(format!("{}.svg", plot.name));
    draw_to(plot, &path).map_err(|trouble| anyhow!("{}: {trouble}", path.display()))
}

fn draw_to(plot: &Plot, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let points = || plot.curves.iter().flat_map(|(_, points)| points);
    let right = points().map(|point| point.0).fold(1e-9, f64::max) * 1.04;
    let top = points().map(|point| point.1).fold(1e-9, f64::max) * 1.12;
    let area = SVGBackend::new(path, (720, 400)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(&plot.title, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(76)
        .build_cartesian_2d(0.0..right, 0.0..top)?;
    chart
        .configure_mesh()
        .x_desc(&plot.x)
        .y_desc(&plot.y)
        .light_line_style(WHITE)
        .x_label_formatter(&number)
        .y_label_formatter(&number)
        .draw()?;
    for ((name, points), colour) in plot.curves.iter().zip(COLOURS.into_iter().cycle()) {
        chart
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(RGBColor(200, 200, 200))
        .draw()?;
    area.present()?;
    Ok(())
}

/// `1.2 M`, `340 k`, `12`, `0.35`: a figure as people say it.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the plot library asks for this shape")]
fn number(value: &f64) -> String {
    crate::report::figure(*value)
}
