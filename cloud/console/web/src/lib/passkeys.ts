// Passkeys, as the browser has the device make and use them (Web Authentication). Octets travel in base64url.

import { ask, Trouble, type Door, type Me } from "./api.ts";

/** What the cloud begins with: what the device is handed, and by what the second half is known. */
interface Challenge {
  ceremony: string;
  options: { publicKey: Record<string, unknown> };
}

/** Whether passkeys can be used here; if not, why: the console has no name, has another one, or the browser knows none. */
export function offered(door: Door | undefined): "yes" | "no_name" | "elsewhere" | "no_browser" | undefined {
  if (!door) return undefined;
  if (door.passkeys === null) return "no_name";
  if (door.passkeys !== location.hostname) return "elsewhere";
  return typeof PublicKeyCredential === "undefined" ? "no_browser" : "yes";
}

export function octets(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

export function written(octets: ArrayBuffer): string {
  const plain = String.fromCharCode(...new Uint8Array(octets));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

interface Descriptor {
  id: string;
}

/** A further device's key for whoever is signed in. */
export async function register(name: string, password: string): Promise<void> {
  const { ceremony, options } = await ask<Challenge>("POST", "/me/passkeys/begin", { password });
  const wanted = options.publicKey as unknown as { challenge: string; user: { id: string }; excludeCredentials?: Descriptor[] };
  const publicKey = {
    ...options.publicKey,
    challenge: octets(wanted.challenge),
    user: { ...wanted.user, id: octets(wanted.user.id) },
    excludeCredentials: (wanted.excludeCredentials ?? []).map((each) => ({ ...each, id: octets(each.id) })),
  } as unknown as PublicKeyCredentialCreationOptions;
  const made = await byDevice(() => navigator.credentials.create({ publicKey }));
  const response = made.response as AuthenticatorAttestationResponse;
  const credential = {
    ...plain(made),
    response: {
      attestationObject: written(response.attestationObject),
      clientDataJSON: written(response.clientDataJSON),
      transports: response.getTransports?.() ?? [],
    },
  };
  await ask("POST", "/me/passkeys", { ceremony, name, credential });
}

/** Signs in with one that the device finds. */
export async function show(): Promise<Me> {
  const { ceremony, options } = await ask<Challenge>("POST", "/session/passkey/begin");
  const wanted = options.publicKey as unknown as { challenge: string };
  const publicKey = {
    ...options.publicKey,
    challenge: octets(wanted.challenge),
    allowCredentials: [],
  } as unknown as PublicKeyCredentialRequestOptions;
  const shown = await byDevice(() => navigator.credentials.get({ publicKey }));
  const response = shown.response as AuthenticatorAssertionResponse;
  const credential = {
    ...plain(shown),
    response: {
      authenticatorData: written(response.authenticatorData),
      clientDataJSON: written(response.clientDataJSON),
      signature: written(response.signature),
      userHandle: response.userHandle ? written(response.userHandle) : null,
    },
  };
  return ask<Me>("POST", "/session/passkey", { ceremony, credential });
}

function plain(credential: PublicKeyCredential): object {
  return { id: credential.id, rawId: written(credential.rawId), type: credential.type, extensions: {} };
}

/** What the device is asked for takes as long as its person does; what comes of it is said in words of ours. */
async function byDevice(work: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  const given = await work().catch((trouble: unknown) => {
    const why = trouble instanceof DOMException ? trouble.name : "";
    if (why === "InvalidStateError") throw new Trouble("passkey_known", "");
    if (why === "NotAllowedError" || why === "AbortError") throw new Trouble("passkey_cancelled", "");
    throw new Trouble("passkey_failed", "");
  });
  if (!(given instanceof PublicKeyCredential)) throw new Trouble("passkey_cancelled", "");
  return given;
}
