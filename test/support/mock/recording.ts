// What a version said on the wire (`tools/record.mjs`): its conversation, and the shapes that it took. A mock party that keeps to
// it is a peer of that version.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { root } from '../instance.js';
import type { Json } from './wire.js';

interface Said {
  readonly from: 'hub' | 'spoke';
  readonly typ: string;
  readonly claims: Json;
}

/** A command and what it was answered with. */
interface Exchange {
  readonly command: Json;
  readonly result: Json;
}

interface Shapes {
  readonly messages: Readonly<Record<string, object>>;
  readonly operations: Readonly<Record<string, { readonly args: object; readonly body: object }>>;
  readonly events: Readonly<Record<string, object>>;
}

const messageNames: Readonly<Record<string, string>> = {
  'writ-hello+jws': 'hello',
  'writ-cmd+jws': 'command',
  'writ-res+jws': 'result',
  'writ-evt+jws': 'events',
  'writ-ack+jws': 'ack',
};

export class Recording {
  private readonly said: readonly Said[];
  private readonly shapes: Shapes;
  private readonly compiled = new Map<object, z.ZodType>();

  constructor(readonly name: string) {
    const read = (file: string): unknown =>
      JSON.parse(readFileSync(join(root, 'test', 'fixtures', 'recordings', name, file), 'utf8'));
    this.said = read('conversation.json') as Said[];
    this.shapes = read('shapes.json') as Shapes;
  }

  /** What a side said of itself last. */
  hello(from: Said['from']): Json {
    const hello = this.said.findLast((one) => one.from === from && one.typ === 'writ-hello+jws');
    if (!hello) throw new Error(`no hello of a ${from} was recorded`);
    return hello.claims;
  }

  /** In the order of the commands. */
  exchanges(): readonly Exchange[] {
    const results = this.said.flatMap(({ typ, claims }) => (typ === 'writ-res+jws' ? [claims] : []));
    return this.said.flatMap(({ typ, claims }) => {
      if (typ !== 'writ-cmd+jws') return [];
      const answers = results
        .filter(({ req }) => (req as Json).jti === claims.jti)
        .flatMap((one) => one.results as Json[]);
      return (claims.cmds as Json[]).map((command) => ({
        command,
        result: answers.find(({ id }) => id === command.id)!,
      }));
    });
  }

  /** As the journal had them. */
  events(): readonly Json[] {
    const texts = this.said.flatMap(({ typ, claims }) => (typ === 'writ-evt+jws' ? (claims.events as string[]) : []));
    return texts.map((text) => JSON.parse(text) as Json);
  }

  /** What that version would not have taken of a message; of an event only where it knew its type: it passed over the others. */
  faultsOf(typ: string, claims: Json): readonly string[] {
    const shape = this.shapes.messages[messageNames[typ] ?? ''];
    const events = typ === 'writ-evt+jws' ? (claims.events as string[]).map((text) => JSON.parse(text) as Json) : [];
    const own = shape ? this.faults(typ, shape, claims) : [];
    return [...own, ...events.flatMap((event) => this.faultsOfEvent(event))];
  }

  /** Of what an operation takes, or answers with. */
  faultsOfOperation(op: string, part: 'args' | 'body', value: unknown): readonly string[] {
    const shape = this.shapes.operations[op]?.[part];
    return shape ? this.faults(`${op} ${part}`, shape, value) : [`${op} is not known`];
  }

  private faultsOfEvent(event: Json): readonly string[] {
    const shape = this.shapes.events[String(event.type)];
    return shape ? this.faults(String(event.type), shape, event) : [];
  }

  private faults(what: string, shape: object, value: unknown): readonly string[] {
    const schema = this.compiled.get(shape) ?? z.fromJSONSchema(shape as Parameters<typeof z.fromJSONSchema>[0]);
    this.compiled.set(shape, schema);
    const issues = schema.safeParse(value).error?.issues ?? [];
    return issues.map(({ path, message }) => `${what}: ${path.map(String).join('.')}: ${message}`);
  }
}
