// The one sentence about two clocks, for logs and doctors of both sides.

/** `differenceS`: our clock less theirs. */
export function clockWords(differenceS: number): string {
  const how = differenceS < 0 ? 'behind' : 'ahead of';
  return `Our clock is ${Math.abs(differenceS)} s ${how} theirs; more than 30 s are refused. Set both clocks (NTP).`;
}
