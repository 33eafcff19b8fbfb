import { expect, test } from "vitest";
import { query } from "./api.ts";
import { grouped } from "./grouped.ts";

test("digits stand in groups of three from the right", () => {
  const cases = [["", ""], ["47", "47"], ["471", "471"], ["4711", "4 711"], ["123456789", "123 456 789"]];
  for (const [digits, shown] of cases) expect(grouped(digits!)).toBe(shown!.replaceAll(" ", "\u202f"));
});

test("a query leaves out what is empty, and escapes what is not", () => {
  expect(query({ q: "", skip: 0, state: undefined })).toBe("");
  expect(query({ q: "a&b=c é", skip: 50 })).toBe("?q=a%26b%3Dc+%C3%A9&skip=50");
});
