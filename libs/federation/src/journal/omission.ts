// What a full journal leaves out: output only, added up per agent, until one marker says how much is missing.

/** Output of one agent that was not journaled. `first` is the earliest event left out, without its text. */
export interface Omission {
  readonly subject: string;
  readonly first: OutputEvent;
  /** Bytes of output, from `first.data.offset` on, that no event carries. */
  readonly bytes: number;
}

interface OutputEvent {
  readonly type: 'agent.output';
  readonly subject: string;
  readonly data: { readonly offset: number; readonly bytes: number; readonly text?: string; readonly dropped?: number };
}

/** What is journaled of the offered events, and the omissions that stand afterwards. */
export interface Admission {
  readonly rows: readonly string[];
  readonly omissions: ReadonlyMap<string, Omission>;
}

/**
 * Admits events into a journal with so much room for output. State events always go in; output goes in while there is
 * room, and a marker for what was left out goes before the next event of that agent that does.
 */
export function admit(events: readonly string[], roomBytes: number, before: ReadonlyMap<string, Omission>): Admission {
  if (before.size === 0 && bytesOf(events) <= roomBytes) return { rows: events, omissions: before };
  const omissions = new Map(before);
  const rows: string[] = [];
  let room = roomBytes;
  for (const event of events) {
    const { subject, output } = read(event);
    const left = omissions.get(subject);
    const next = left ? [markerOf(left), event] : [event];
    if (output && bytesOf(next) > room) {
      omissions.set(subject, added(left, output));
      continue;
    }
    omissions.delete(subject);
    rows.push(...next);
    room -= bytesOf(next);
  }
  return { rows, omissions };
}

/** Bytes of UTF-8. */
function bytesOf(events: readonly string[]): number {
  return events.reduce((sum, event) => sum + Buffer.byteLength(event), 0);
}

/** An `agent.output` event whose `dropped` says how many bytes no event carries. */
function markerOf({ first, bytes }: Omission): string {
  return JSON.stringify({ ...first, data: { offset: first.data.offset, bytes, dropped: bytes } });
}

function added(left: Omission | undefined, event: OutputEvent): Omission {
  const { offset, bytes } = event.data;
  const first = left?.first ?? { ...event, data: { offset, bytes } };
  return { subject: event.subject, first, bytes: offset + bytes - first.data.offset };
}

/** What is no output event with offsets counts as a state event: it is never left out. */
function read(event: string): { readonly subject: string; readonly output?: OutputEvent } {
  const parsed = JSON.parse(event) as Partial<OutputEvent> | null;
  const subject = typeof parsed?.subject === 'string' ? parsed.subject : '';
  const sound = parsed?.type === 'agent.output' && Number.isSafeInteger(parsed.data?.offset) && subject !== '';
  return sound ? { subject, output: parsed as OutputEvent } : { subject };
}
