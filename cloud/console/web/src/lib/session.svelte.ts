import { ask, Trouble, type Me } from "./api.ts";

/** Who is signed in here: nobody knows yet, nobody, or somebody. */
class Session {
  me = $state<Me | null | undefined>(undefined);

  async look(): Promise<void> {
    try {
      this.me = await ask<Me>("GET", "/me");
    } catch (trouble) {
      if (trouble instanceof Trouble && trouble.code === "signed_out") this.me = null;
      else throw trouble;
    }
  }

  async signOut(): Promise<void> {
    await ask("DELETE", "/session").catch(() => undefined);
    this.me = null;
  }

  /** Whether somebody is signed in, and has done what has to be done before anything else. */
  get isIn(): boolean {
    return this.me?.first === null;
  }

  get administrator(): boolean {
    return this.me?.role === "administrator";
  }
}

export const session = new Session();

/** Asks for somebody who is signed in; when they are not any more, the page says so. */
export async function asked<T>(...request: Parameters<typeof ask>): Promise<T> {
  try {
    return await ask<T>(...request);
  } catch (trouble) {
    if (trouble instanceof Trouble && trouble.code === "signed_out") session.me = null;
    // What is wanted of them has changed meanwhile: the page that leads them there comes up.
    if (trouble instanceof Trouble && trouble.code === "second_factor_wanted") await session.look().catch(() => undefined);
    throw trouble;
  }
}
