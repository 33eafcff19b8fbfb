/** Digits in groups of three from the right, as panels show them: `4 711`. */
export function grouped(digits: string): string {
  return digits.replaceAll(/\B(?=(\d{3})+$)/g, "\u202f");
}
