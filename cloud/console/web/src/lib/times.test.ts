import { expect, test } from "vitest";
import { dateOf, momentOf, nextHour, timeOf } from "./times.ts";

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
