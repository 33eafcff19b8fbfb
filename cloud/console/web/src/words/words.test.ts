import { expect, test } from "vitest";
import { en } from "./en.ts";
import { fr } from "./fr.ts";

/** Every text of a language, by its place; texts with gaps are filled in. */
function texts(words: object, place = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(words)) {
    const here = `${place}.${name}`;
    if (typeof value === "string") found.set(here, value);
    else if (typeof value === "function") found.set(here, String(value(2, 2, 3)));
    else for (const [key, text] of texts(value as object, here)) found.set(key, text);
  }
  return found;
}

const [english, french] = [texts(en), texts(fr)];

test("both languages say the same things, and neither says nothing", () => {
  expect([...french.keys()].sort()).toEqual([...english.keys()].sort());
  // English has none of its own for what the API says in English.
  english.delete(".notUnderstood");
  for (const text of [...english.values(), ...french.values()]) expect(text.trim()).not.toBe("");
});

test("no exclamation marks, and none of the words that blame", () => {
  for (const text of [...english.values(), ...french.values()]) {
    expect(text).not.toMatch(/!|\berror\b|\binvalid\b|failed to|\berreur\b|invalide|échec/i);
  }
});

test("French sets its signs off, and writes its apostrophes round", () => {
  for (const text of french.values()) expect(text).not.toMatch(/\S[?;:](?:\s|$)|'/);
});
