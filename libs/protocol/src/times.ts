// Times of a message: integer seconds, a little skew, short lives. Pure: the caller brings the clock.

export const skewS = 30;
/** The longest life (`exp - iat`) a receiver takes, in seconds. */
export const lifetimeMaxS = { command: 300, hello: 60, pairing: 600, keys: 7 * 86_400 } as const;
/** How long a sender lets a command live unless it has a reason. */
export const commandLifetimeS = 60;

/**
 * Undefined when the times hold; `schema` when `exp <= iat` or the life is too long, whatever the clock says;
 * `clock` when the message comes from the future or has run out.
 */
export function checkTimes(
  claims: { readonly iat: number; readonly exp: number },
  nowS: number,
  lifetimeMax: number,
  skew: number = skewS,
): 'schema' | 'clock' | undefined {
  const { iat, exp } = claims;
  if (exp <= iat || exp - iat > lifetimeMax) return 'schema';
  return iat > nowS + skew || exp <= nowS - skew ? 'clock' : undefined;
}

/** For a hello: our clock less the sender's in seconds when they are more than the skew apart, else undefined. */
export function clockDifferenceS(iat: number, nowS: number, skew: number = skewS): number | undefined {
  const difference = Math.round(nowS - iat);
  return Math.abs(difference) > skew ? difference : undefined;
}
