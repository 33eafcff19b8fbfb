import { expect, test } from "vitest";
import { dateOf, daysBetween, momentOf, nextHour, timeOf } from "./times.ts";

test("a day and a time stand for the moment that they were made of", () => {
  for (const at of [0, 1_796_025_600, 1_796_025_600 + 12_345 * 60]) {
    expect(momentOf(dateOf(at), timeOf(at))).toBe(at);
  }
  expect(momentOf("2026-02-28", "08:00", 1)).toBe(momentOf("2026-03-01", "08:00"));
});

test("what is no time is none", () => {
  for (const [date, time] of [["", "08:00"], ["2026-02-28", ""], ["x", "y"]] as const) expect(momentOf(date, time)).toBe(0);
});

test("the next hour is ahead", () => {
  expect(nextHour(7200)).toBe(10_800);
  expect(nextHour(7198)).toBe(7200);
});

test("days are counted by the calendar, not by hours", () => {
  const from = momentOf("2026-03-27", "15:00");
  expect(daysBetween(from, momentOf("2026-03-30", "09:00"))).toEqual(["2026-03-27", "2026-03-28", "2026-03-29", "2026-03-30"]);
  expect(daysBetween(from, from + 60)).toEqual(["2026-03-27"]);
  expect(daysBetween(momentOf("2026-03-27", "00:00"), momentOf("2026-03-28", "00:00"))).toEqual(["2026-03-27"]);
});
