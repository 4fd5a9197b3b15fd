/** How long to wait, in words: seconds up to a minute and a half, minutes from there on, rounded up. */
export const waiting = {
  fr: (seconds: number): string =>
    seconds > 90 ? `${Math.ceil(seconds / 60)} minutes` : seconds > 1 ? `${seconds} secondes` : 'une seconde',
  en: (seconds: number): string =>
    seconds > 90 ? `${Math.ceil(seconds / 60)} minutes` : seconds > 1 ? `${seconds} seconds` : 'a second',
} as const;
