// What the cloud is asked, and what it answers: docs/integrator.md, "The console's API".

/** What was not done, and why. */
export class Trouble extends Error {
  readonly code: string;
  readonly seconds: number;

  /** `code` is the API's word for programs; the message is its English sentence, for what we have no words for. */
  constructor(code: string, message: string, seconds = 0) {
    super(message);
    this.code = code;
    this.seconds = seconds;
  }
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Asks, for what has the mark `seen` where there is one; `undefined` where there is nothing to say. Throws a `Trouble`. */
export async function ask<T>(method: Method, path: string, body?: unknown, seen?: string): Promise<T> {
  const headers: Record<string, string> = { "X-Conclave": "1" };
  const init: RequestInit = { method, headers, cache: "no-store" };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    headers["Content-Type"] = "application/json";
  }
  if (seen) headers["If-Match"] = `"${seen}"`;
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, init);
  } catch {
    throw new Trouble("unreachable", "");
  }
  if (response.status === 204) return undefined as T;
  const said: unknown = await response.json().catch(() => null);
  if (!response.ok) throw trouble(said);
  return said as T;
}

function trouble(said: unknown): Trouble {
  const fields = (said ?? {}) as { error?: string; code?: string; message?: string; seconds?: number };
  return new Trouble(fields.code ?? fields.error ?? "unreachable", fields.message ?? "", fields.seconds);
}

/** As a query, what is empty left out. */
export function query(fields: Record<string, string | number | undefined>): string {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined && value !== "" && value !== 0);
  const text = new URLSearchParams(kept.map(([name, value]) => [name, String(value)])).toString();
  return text ? `?${text}` : "";
}

export type Role = "administrator" | "organiser" | "member";

export interface Me {
  person: string;
  name: string;
  email: string;
  role: Role;
  organisation: { organisation: string; name: string };
  /** Whether they show a code of an app when they sign in. */
  second_factor: boolean;
  /** How many they have. */
  passkeys: number;
  /** Whether their organisation wants two factors of them. */
  two_factors_wanted: boolean;
  /** What has to be done before anything else. */
  first: "set_up" | "sign_in_again" | null;
}

/** What the sign-in page offers. */
export interface Door {
  /** Whether somebody may make themselves an account. */
  sign_up: boolean;
  /** The name that passkeys belong to; a console that is reached by an address has none. */
  passkeys: string | null;
}

export interface Passkey {
  passkey: string;
  name: string;
  created_at: number;
  used_at: number | null;
}

export type TwoFactors = "everybody" | "administrators" | "whoever_wants";

/** How an organisation wants it at the door. */
export interface Entry {
  two_factors: TwoFactors;
  /** Whose people may make themselves an account. */
  domains: string[];
  /** Whether letters are sent: without, nobody makes themselves an account. */
  mail: boolean;
}

export type RoomState = "linked" | "in_call" | "not_linked" | "revoked";

/** Times are seconds since 1970. */
export interface Room {
  room: string;
  /** Another one when somebody has changed it. */
  mark: string;
  name: string;
  serial: string;
  state: RoomState;
  enrolled_at: number;
  certificate_expires: number;
  /** Since when it is linked, or is not. */
  since: number | null;
  software: string | null;
  /** The name of its group. */
  group: string | null;
  place: string | null;
  tags: string[];
  /** The last order to it. */
  order: { order: string; at: number; state: OrderState } | null;
  /** Whether it follows its settings; nobody knows while it is away. */
  settings: InForce | null;
  /** Which of its parts do not work. */
  broken: string[];
  /** Of one room, while it is linked and new enough to say: how it is. */
  condition?: Condition;
  /** Of one room: what it sent and is kept. */
  parcels?: Parcel[];
}

export interface Tag {
  tag: string;
  /** How many rooms have it. */
  rooms: number;
}

/** A line of a list of devices, as it was written. */
export interface ListedDevice {
  line: number;
  name: string;
  device: string;
  /** What is wrong with it. */
  wrong: string[];
}

/** A device that is to be a room: known by its key, or by its serial number. */
export interface AwaitedDevice {
  room: string;
  name: string;
  key: string | null;
  serial: string | null;
  group: string | null;
  place: string | null;
  tags: string[];
  added_at: number;
  until: number;
  /** How many newcomers show a code now and are it, or say so. */
  here: number;
}

/** What a room follows and runs. */
export interface RoomUpdate {
  channel: string;
  /** Such as `02:00-05:00`. */
  window: string;
  running: string | null;
  compatible: string | null;
  /** How far it is; nobody knows while it is away. */
  stage: { stage: string; percent?: number; fault?: string } | null;
  /** What its channel brings. */
  brought: string | null;
  rollout: "running" | "stopped_by_failures" | "stopped_by_person" | "withdrawn" | null;
}

/** A factory reset: ordered or allowed, and what came of it. */
export interface Reset {
  number: string;
  room: string;
  way: "cloud" | "panel";
  asked_at: number;
  told_at: number | null;
  outcome: "partition_erased" | "folder_erased" | "not_erased" | "other" | null;
}

/** Of each kind, the first that match. */
export interface Found {
  rooms: Room[];
  vmrs: Vmr[];
  people: Person[];
  appointments: Appointment[];
}

/** A room's own calendar, and how reading it goes. Its address is never told. */
export interface RoomCalendar {
  /** Null when it cannot be opened any more. */
  kind: "feed" | "caldav" | null;
  host: string | null;
  user: string | null;
  set_at: number;
  reading: boolean;
  read_at: number | null;
  /** How many times the room is taken by it in the next two weeks. */
  meetings: number;
  /** How many meetings were not understood. */
  unread: number;
  trouble: { why: string; detail?: string; status?: number } | null;
  trouble_since: number | null;
}

/** Sizes are in octets. */
export interface Condition {
  devices: { kind: string; name: string; state: "working" | "broken" | "unknown" }[];
  /** How many touch panels draw. */
  panels: number;
  temperature_c: number | null;
  disk: { free: number; size: number } | null;
  /** Lines of its log, English; the newest first. */
  troubles: { at: number; text: string }[];
}

export interface Parcel {
  what: "logs" | "panel_picture";
  at: number;
  until: number;
  size: number;
}

export type OrderState = "sent" | "done" | "in_call" | "not_now" | "failed" | "not_kept" | "not_known" | "link_ended";

/** Waits to be confirmed, all in force, or some of it. */
export type InForce = "waits" | "all" | "partly";

export interface Group {
  group: string;
  name: string;
  /** How many rooms are in it. */
  rooms: number;
}

/** How rooms are set; each by its name. */
export interface Settings {
  own: Record<string, string>;
  inherited: Record<string, string>;
  revision: number;
  /** Of one room, what became of it. */
  room: {
    wanted: Record<string, string>;
    reported: Record<string, string> | null;
    not_understood: string[];
    in_force: InForce | null;
  } | null;
}

export interface Vmr {
  mark: string;
  vmr: string;
  number: string;
  name: string;
  pin: boolean;
  capacity: number;
  /** Only its owner and its moderators find it. */
  hidden: boolean;
  /** It is gone after its meeting. */
  once: boolean;
  /** Whoever comes waits until somebody lets them in. */
  lobby: boolean;
  owner: string | null;
  /** Their e-mail addresses. */
  moderators: string[];
}

/** What a token may be for, and whose role allows any of it. */
export const SCOPES = [
  ["rooms:read", ["administrator"]],
  ["rooms:write", ["administrator"]],
  ["meeting-rooms:read", ["administrator", "organiser", "member"]],
  ["meeting-rooms:write", ["administrator"]],
  ["schedule:read", ["administrator", "organiser", "member"]],
  ["schedule:write", ["administrator", "organiser"]],
  ["meetings:run", ["administrator", "organiser", "member"]],
  ["people:read", ["administrator"]],
  ["people:write", ["administrator"]],
  ["reports:read", ["administrator"]],
  ["audit:read", ["administrator"]],
  ["webhooks:write", ["administrator"]],
] as const satisfies readonly (readonly [string, readonly Role[]])[];

export type Scope = (typeof SCOPES)[number][0];

/** A token for scripts. */
export interface ApiToken {
  token: string;
  name: string;
  scopes: Scope[];
  created_at: number;
  expires_at: number;
  /** To the minute. */
  used_at: number | null;
}

/** An address that is told what happens. */
export interface Webhook {
  webhook: string;
  url: string;
  kinds: string[];
  created_at: number;
  /** Since when it has taken nothing. */
  failing_since: number | null;
  /** When it was switched off. */
  off_at: number | null;
  /** How much waits for it. */
  waiting: number;
  /** How much it was not told since the cloud started, because too much waited. */
  lost: number;
}

/** One thing that a webhook was told, or is to be. */
export interface Delivery {
  delivery: string;
  kind: string;
  at: number;
  tries: number;
  fate: string;
  next_at: number | null;
  answer: string | null;
}

/** What became of a letter; there is none where the cloud sends none. */
export type Fate = { state: "waiting" | "sent" } | { state: "failed"; why: string };

/** A meeting that is to be. */
export interface Appointment {
  number: string;
  title: string;
  starts_at: number;
  ends_at: number;
  organiser: string | null;
  /** Whether whoever looks has called it. */
  mine: boolean;
  pin: boolean;
  /** Whoever is not invited waits until somebody lets them in. */
  lobby: boolean;
  /** Whether somebody is in. */
  on: boolean;
  rooms: { room: string; name: string }[];
  /** Those without an account have no name here. */
  people: { name: string | null; email: string; mail?: Fate }[];
  revision: number;
}

export interface BookableRoom {
  room: string;
  name: string;
  place: string | null;
  /** Whether another meeting is called in it in that time. */
  taken: boolean;
}

export interface Person {
  mark: string;
  person: string;
  email: string;
  name: string;
  role: Role;
  suspended: boolean;
  second_factor: boolean;
  passkeys: number;
  /** Of the letter with their link. */
  mail?: Fate;
  invited: boolean;
  created_at: number;
}

export interface Invited {
  person: Person;
  invitation: string;
  expires_at: number;
}

export interface Meeting {
  meeting: string;
  number: string;
  name: string;
  participants: { room: string; name: string; call: string }[];
  waiting: Waiting[];
}

/** Somebody in the lobby of a meeting. */
export interface Waiting {
  participant: string;
  room: string;
  name: string;
}

/** How much was used; times in seconds. */
export interface Usage {
  from: number;
  until: number;
  calls: number;
  seconds: number;
  rooms: Used[];
  people: Used[];
  vmrs: Used[];
  days: { day: string; calls: number; seconds: number }[];
}

export interface Used {
  /** Meetings that somebody else had called, all together, have none; neither has a person whose account is gone. */
  name: string | null;
  person?: string;
  /** Of a person: those that they called and that took place. */
  meetings?: number;
  /** Of a room: calls that were looked at when they had ended, and the good ones among them. */
  judged?: number;
  good?: number;
  number?: string;
  room?: string;
  calls: number;
  seconds: number;
}

export interface CallRecord {
  call: string;
  meeting: string;
  /** Of a meeting that somebody else had called, neither number nor name is told. */
  number: string | null;
  vmr_name: string | null;
  room: string;
  room_name: string;
  joined_at: number;
  left_at: number | null;
  /** In English. */
  why: string | null;
  /** The same as a word for programs. */
  reason: string | null;
  /** What was wrong with it; nothing when it was good, nobody knows while it goes on. */
  troubles: string[] | null;
}

export interface AuditRow {
  number: number;
  at: number;
  who: string;
  /** Their name, while they have an account. */
  who_name?: string;
  source: string;
  act: string;
  subject: string;
  /** What that is called, while it is there. */
  subject_name?: string;
  before: string;
  after: string;
  hash: string;
}
