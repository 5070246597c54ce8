// The words between the benchmark and its side processes.

/** One measurement: so many calls on their way at once, for so long. */
export interface Cell {
  readonly inflight: number;
  readonly ms: number;
}

/** Latencies in milliseconds; `cpuMs` is what the calling process used. */
export interface CellResult {
  readonly count: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpuMs: number;
}

export type SideMessage = { readonly address: unknown } | { readonly cpuMs: number } | { readonly result: CellResult };
