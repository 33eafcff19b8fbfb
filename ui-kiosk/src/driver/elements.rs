//! What is drawn and where, read from Slint's own tree of items.
//!
//! Slint keeps `accessible-id` and `accessible-label` of every element in the compiled tree, without
//! debug information; their places are asked for at the moment of the request.

use crate::ui;
use i_slint_core::accessibility::AccessibleStringProperty;
use i_slint_core::item_tree::{ItemRc, ParentItemTraversalMode};
use i_slint_core::items::{
    AccessibleRole, ComplexText, Orientation, SimpleText, TextOverflow, TextWrap,
};
use i_slint_core::lengths::{LogicalRect, LogicalSize};
use i_slint_core::window::WindowInner;
use serde::Serialize;
use slint::ComponentHandle;
use std::ops::ControlFlow;

/// What an element is for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It can be pressed.
    Button,
    /// It can be read.
    Text,
}

/// A rectangle in logical pixels from the window's top left.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Place {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

/// A visible, named element.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Element {
    pub(super) id: String,
    #[serde(skip)]
    pub(super) label: String,
    #[serde(skip)]
    pub(super) kind: Kind,
    /// Of the whole element, logical pixels.
    width: f32,
    height: f32,
    /// The part that nothing clips.
    pub(super) seen: Place,
}

/// A drawn text: the place that it has and the place that it would like to have.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Text {
    text: String,
    width: f32,
    height: f32,
    /// Width of the text on one line, or of its longest word where it wraps.
    wants_width: f32,
    /// Height at the width that it has.
    wants_height: f32,
    /// Whether it ends in an ellipsis when it does not fit.
    elides: bool,
    /// The part that nothing clips.
    seen: Place,
}

fn every_item(app: &ui::App, mut visit: impl FnMut(&ItemRc)) {
    let root = ItemRc::new_root(WindowInner::from_pub(app.window()).component());
    root.visit_descendants(|item| {
        visit(item);
        ControlFlow::<()>::Continue(())
    });
}

/// The named elements whose centre a finger can reach.
pub(super) fn named(app: &ui::App) -> Vec<Element> {
    let mut elements = Vec::new();
    every_item(app, |item| {
        if !item.is_accessible() {
            return;
        }
        let string = |what| {
            item.accessible_string_property(what).map(|text| text.to_string()).unwrap_or_default()
        };
        let id = string(AccessibleStringProperty::Id);
        if id.is_empty() {
            return;
        }
        let Some(seen) = seen(app, item) else { return };
        let whole = item.geometry().size;
        elements.push(Element {
            id,
            label: string(AccessibleStringProperty::Label),
            kind: match item.accessible_role() {
                AccessibleRole::Button => Kind::Button,
                _ => Kind::Text,
            },
            width: whole.width,
            height: whole.height,
            seen,
        });
    });
    elements
}

/// The part of an item that is in the window and not clipped away; `None` when there is none, or
/// when the item's centre is not in it: what is hidden by more than half cannot be read or pressed.
fn seen(app: &ui::App, item: &ItemRc) -> Option<Place> {
    let own = item.geometry();
    let whole = LogicalRect::new(item.map_to_window(own.origin), own.size);
    let window = app.window().size().to_logical(app.window().scale_factor());
    let mut seen = LogicalRect::from_size(LogicalSize::new(window.width, window.height));
    let mut parent = item.parent_item(ParentItemTraversalMode::StopAtPopups);
    while let Some(ancestor) = parent {
        if ancestor.borrow().as_ref().clips_children() {
            let geometry = ancestor.geometry();
            let clip = LogicalRect::new(ancestor.map_to_window(geometry.origin), geometry.size);
            seen = seen.intersection(&clip)?;
        }
        parent = ancestor.parent_item(ParentItemTraversalMode::StopAtPopups);
    }
    let seen = seen.contains(whole.center()).then(|| seen.intersection(&whole))??;
    Some(Place {
        x: seen.origin.x,
        y: seen.origin.y,
        width: seen.size.width,
        height: seen.size.height,
    })
}

/// Every text that is on the screen, with the room it has and the room it wants.
pub(super) fn texts(app: &ui::App) -> Vec<Text> {
    let adapter = WindowInner::from_pub(app.window()).window_adapter();
    let mut texts = Vec::new();
    every_item(app, |item| {
        let (text, wrap, overflow) = if let Some(text) = item.downcast::<SimpleText>() {
            (text.as_pin_ref().text(), TextWrap::NoWrap, TextOverflow::Clip)
        } else if let Some(text) = item.downcast::<ComplexText>() {
            let text = text.as_pin_ref();
            (text.text(), text.wrap(), text.overflow())
        } else {
            return;
        };
        if text.is_empty() {
            return;
        }
        let Some(seen) = seen(app, item) else { return };
        let whole = item.geometry().size;
        let wants = |orientation, across| {
            item.borrow().as_ref().layout_info(orientation, across, &adapter, item)
        };
        let across = wants(Orientation::Horizontal, -1.0);
        texts.push(Text {
            text: text.to_string(),
            width: whole.width,
            height: whole.height,
            wants_width: if wrap == TextWrap::NoWrap { across.preferred } else { across.min },
            wants_height: wants(Orientation::Vertical, whole.width).preferred,
            elides: overflow == TextOverflow::Elide,
            seen,
        });
    });
    texts
}
