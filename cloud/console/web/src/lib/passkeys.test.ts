import { expect, test } from "vitest";
import { octets, written } from "./passkeys.ts";

test("octets survive being written, without what an address would have to escape", () => {
  for (let length = 0; length < 70; length += 1) {
    const some = Uint8Array.from({ length }, (_, at) => (at * 89 + 250) & 0xff);
    const text = written(some.buffer);
    expect(text).toMatch(/^[\w-]*$/);
    expect([...octets(text)]).toEqual([...some]);
  }
  // RFC 4648, 10.
  expect(written(new TextEncoder().encode("foob").buffer)).toBe("Zm9vYg");
});
