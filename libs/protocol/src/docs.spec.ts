import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  ackClaims,
  agentResource,
  checkpointClaims,
  commandBytesMax,
  commandClaims,
  commandEntry,
  errorCodes,
  eventBytesMax,
  eventClaims,
  eventTypes,
  grant,
  helloClaims,
  inviteContent,
  keysClaims,
  limits,
  messageBytesMax,
  messageErrors,
  messageTypes,
  operationNames,
  pairRequestClaims,
  pairResponseClaims,
  resultClaims,
  spawnArgs,
  agentOptions,
  exitReasons,
} from './index.js';

const text = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8');
const words = new Set(text.match(/[A-Za-z][\w.+-]*\w|\w/g));
const shapes = {
  checkpointClaims,
  commandClaims,
  commandEntry,
  resultClaims,
  eventClaims,
  ackClaims,
  helloClaims,
  keysClaims,
};
const more = {
  pairRequestClaims,
  pairResponseClaims,
  inviteContent,
  grant,
  spawnArgs,
  agentOptions,
  limits,
  agentResource,
};

describe('docs/protocol.md', () => {
  test.each<[string, readonly string[]]>([
    ['message type', messageTypes],
    ['operation', operationNames],
    ['event', eventTypes],
    ['error code', errorCodes],
    ['error of a whole message', messageErrors],
    ['reason of an end', exitReasons],
  ])('names every %s', (_what, names) => {
    expect(names.filter((name) => !words.has(name))).toEqual([]);
  });

  test.each(Object.entries({ ...shapes, ...more }))('names every member of %s', (_name, schema) => {
    expect(Object.keys(schema.shape).filter((member) => !words.has(member))).toEqual([]);
  });

  test('states the limits that the code has', () => {
    for (const limit of [messageBytesMax, commandBytesMax, eventBytesMax])
      expect(text).toContain(limit.toLocaleString('en'));
  });
});
