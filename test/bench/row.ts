// What a benchmark reports: one figure of ours beside those of the peers.
export interface Row {
  readonly name: string;
  readonly unit: string;
  /** Requests on their way at once. */
  readonly inflight: number;
  readonly ours: number;
  readonly peers: Readonly<Record<string, number>>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

export const hundredths = (value: number): number => Math.round(value * 100) / 100;
