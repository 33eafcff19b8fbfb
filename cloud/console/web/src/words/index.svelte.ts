import type { Trouble } from "../lib/api.ts";
import { en, type Words } from "./en.ts";
import { fr } from "./fr.ts";

export type Language = "en" | "fr";
const ALL: Record<Language, Words> = { en, fr };
const KEPT = "language";

function first(): Language {
  const kept = localStorage.getItem(KEPT);
  if (kept === "en" || kept === "fr") return kept;
  return navigator.language.toLowerCase().startsWith("fr") ? "fr" : "en";
}

class Speech {
  language = $state<Language>(first());
  readonly words: Words = $derived(ALL[this.language]);

  /** Speaks it from now on, and the next time too. */
  speak(language: Language): void {
    this.language = language;
    localStorage.setItem(KEPT, language);
  }

  /** Why something was not done, and what to do. */
  trouble(trouble: Trouble): string {
    const known = this.words.troubles[trouble.code];
    if (known) return known(trouble.seconds);
    if (trouble.code === "not_understood" && this.words.notUnderstood) return this.words.notUnderstood;
    return trouble.message.charAt(0).toUpperCase() + trouble.message.slice(1);
  }

  /** A moment, in the zone of whoever looks. `at` is in seconds since 1970. */
  moment(at: number): string {
    return this.#moments.format(at * 1000);
  }

  day(at: number): string {
    return this.#days.format(at * 1000);
  }

  /** A day that is written `2026-11-30`. */
  dayOf(day: string): string {
    const at = new Date(`${day}T12:00:00`);
    return Number.isNaN(at.getTime()) ? "" : this.#days.format(at);
  }

  /** `42 s`, `12 min`, `1 h 05`. */
  span(seconds: number): string {
    const minutes = Math.floor(seconds / 60);
    if (minutes < 1) return `${Math.max(0, Math.floor(seconds))} s`;
    if (minutes < 60) return `${minutes} min`;
    return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")}`;
  }

  /** `2.1 GB`. */
  octets(octets: number): string {
    return this.#gigabytes.format(octets / 1e9);
  }

  /** `48 °C`. */
  degrees(celsius: number): string {
    return this.#degrees.format(celsius);
  }

  readonly #locale = $derived(this.language === "fr" ? "fr-FR" : "en-GB");
  readonly #moments = $derived(new Intl.DateTimeFormat(this.#locale, { dateStyle: "medium", timeStyle: "short" }));
  readonly #gigabytes = $derived(new Intl.NumberFormat(this.#locale, { style: "unit", unit: "gigabyte", maximumFractionDigits: 1 }));
  readonly #degrees = $derived(new Intl.NumberFormat(this.#locale, { style: "unit", unit: "celsius" }));
  readonly #days = $derived(new Intl.DateTimeFormat(this.#locale, { dateStyle: "medium" }));
}

export const speech = new Speech();
