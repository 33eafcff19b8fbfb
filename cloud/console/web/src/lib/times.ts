// Moments, in seconds since 1970, and what stands in fields for a day and a time, in the zone of whoever looks.

const two = (n: number): string => String(n).padStart(2, "0");

/** `2026-11-30`. */
export function dateOf(at: number): string {
  const date = new Date(at * 1000);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** `09:30`. */
export function timeOf(at: number): string {
  const date = new Date(at * 1000);
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** The moment of such a day and time, so many days later; 0 when they are none. */
export function momentOf(date: string, time: string, later = 0): number {
  const [year, month, day] = date.split("-").map(Number);
  const [hours, minutes] = time.split(":").map(Number);
  const at = new Date(year ?? NaN, (month ?? NaN) - 1, (day ?? NaN) + later, hours ?? NaN, minutes ?? NaN).getTime();
  return Number.isNaN(at) ? 0 : Math.floor(at / 1000);
}

/** The next full hour. */
export function nextHour(now: number = Date.now() / 1000): number {
  return Math.ceil((now + 1) / 3600) * 3600;
}

/** The days, as `2026-11-30`, from the one in which the first moment lies to the one in which the last lies. */
export function daysBetween(from: number, until: number): string[] {
  const days: string[] = [];
  const day = new Date(from * 1000);
  day.setHours(12, 0, 0, 0);
  for (; days.length < 400 && day.getTime() / 1000 < until + 43_200; day.setDate(day.getDate() + 1)) days.push(dateOf(day.getTime() / 1000));
  const last = dateOf(until - 1);
  return days.filter((each) => each <= last);
}
