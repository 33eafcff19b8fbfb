import { Trouble } from "./api.ts";
import { session } from "./session.svelte.ts";

/** What may change on the server while somebody looks at it. */
export type Topic = "rooms" | "vmrs" | "meetings" | "lobbies" | "appointments" | "people" | "records" | "audit" | "webhooks";

/** Changes that come together are looked up once, after this many milliseconds. */
const GATHERED = 300;

/** When the server refused to be heard it is tried again after this, in milliseconds. */
const AGAIN = 3_000;

/** The server says what changed; whoever shows it asks again. */
class Changes {
  /** Whether the server can be heard. */
  heard = $state(true);
  #source: EventSource | undefined;
  #listeners = new Map<object, { topics: readonly Topic[]; again: () => void; timer: number | undefined }>();

  open(): void {
    if (this.#source) return;
    const source = new EventSource("/api/v1/live");
    source.onopen = () => {
      const back = !this.heard;
      this.heard = true;
      // What changed in between was not told.
      if (back) this.#tell(() => true);
    };
    source.onerror = () => {
      this.heard = false;
      // A browser tries again by itself, unless it was answered: nobody is signed in, or the cloud starts.
      if (source.readyState !== EventSource.CLOSED) return;
      this.#source = undefined;
      setTimeout(() => void session.look().catch(() => undefined).then(() => session.isIn && this.open()), AGAIN);
    };
    source.addEventListener("changed", (event: MessageEvent<string>) => {
      const topics = event.data.split(" ");
      this.#tell((listened) => listened.some((topic) => topics.includes(topic)));
    });
    this.#source = source;
  }

  close(): void {
    this.#source?.close();
    this.#source = undefined;
    this.heard = true;
  }

  on(topics: readonly Topic[], again: () => void): () => void {
    const key = {};
    this.#listeners.set(key, { topics, again, timer: undefined });
    return () => {
      clearTimeout(this.#listeners.get(key)?.timer);
      this.#listeners.delete(key);
    };
  }

  #tell(meant: (topics: readonly Topic[]) => boolean): void {
    for (const listener of this.#listeners.values()) {
      if (!meant(listener.topics) || listener.timer !== undefined) continue;
      listener.timer = window.setTimeout(() => {
        listener.timer = undefined;
        listener.again();
      }, GATHERED);
    }
  }
}

export const changes = new Changes();

/** Something of the server's, as it is now. */
export class Live<T> {
  /** The last answer; it stays while the next one is on its way. */
  data = $state<T>();
  trouble = $state<Trouble>();
  #newest = 0;
  readonly #reload: () => Promise<void>;

  /** `load` is run again when what it reads changes, and when the server says that one of the topics did. */
  constructor(topics: readonly Topic[], load: () => Promise<T>) {
    this.#reload = () => this.#load(load);
    $effect(() => {
      void this.#load(load);
      return changes.on(topics, () => void this.#load(load));
    });
  }

  /** Looks now. */
  again(): void {
    void this.#reload();
  }

  async #load(load: () => Promise<T>): Promise<void> {
    const mine = ++this.#newest;
    try {
      const data = await load();
      if (mine !== this.#newest) return;
      this.data = data;
      this.trouble = undefined;
    } catch (trouble) {
      if (mine === this.#newest && trouble instanceof Trouble) this.trouble = trouble;
    }
  }
}

/** Something that somebody does: while it is on its way, and what came of it. */
export class Deed {
  busy = $state(false);
  trouble = $state<Trouble>();

  /** Whether it was done. */
  async run(work: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.trouble = undefined;
    try {
      await work();
      return true;
    } catch (trouble) {
      if (!(trouble instanceof Trouble)) throw trouble;
      this.trouble = trouble;
      return false;
    } finally {
      this.busy = false;
    }
  }
}

/**
 * Something that somebody is about to change, as they saw it when they began. When somebody else was faster they are told, see
 * what it is now, and their next try is about that.
 */
export class Seen {
  overtaken = $state(false);
  #mark: string | undefined;

  begin(mark: string | undefined): void {
    this.#mark = mark;
    this.overtaken = false;
  }

  /** `now` is the mark of what is shown. */
  async change<T>(now: string | undefined, work: (mark: string | undefined) => Promise<T>): Promise<T> {
    try {
      return await work(this.overtaken ? now : this.#mark);
    } catch (trouble) {
      if (trouble instanceof Trouble && trouble.code === "changed_meanwhile") this.overtaken = true;
      throw trouble;
    }
  }
}
