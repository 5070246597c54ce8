// Errors in a stream, however the stream is cut into pieces.
import { expect, test } from '@jest/globals';
import { ErrorEvents } from './error-events.js';

const key = 'the-key-of-the-spoke';
const said = 'event: message_start\ndata: {"a":"é event: error"}\n\nevent: errors\ndata: {"message":"mine"}\n\n';
const error = { type: 'error', error: { type: 'overloaded_error', message: `no more for ${key}` } };
const stream = Buffer.from(`${said}event: error\ndata: ${JSON.stringify(error)}\n\n: ping\n\ndata: {"last":1}`);
const told = { type: 'error', error: { type: 'overloaded_error', message: 'no more for [secret]' } };
const expected = `${said}event: error\ndata: ${JSON.stringify(told)}\n\n: ping\n\ndata: {"last":1}`;

function passed(bytes: Buffer, size: number): { text: string; errors: ErrorEvents } {
  const errors = new ErrorEvents(key);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(errors.pass(bytes.subarray(at, at + size)));
  pieces.push(errors.rest());
  return { text: Buffer.concat(pieces).toString('utf8'), errors };
}

test('[L-9] [S-9] are told without the key, and nothing else is touched, wherever the pieces end', () => {
  for (let size = 1; size <= stream.length; size++) expect(passed(stream, size).text).toBe(expected);
  expect(passed(stream, 7).errors.type).toBe('overloaded_error');
});

test('what is no error passes at once, in the middle of a line too', () => {
  const errors = new ErrorEvents(key);
  expect(Buffer.from(errors.pass(Buffer.from('event: content_block_delta\ndata: {"te'))).toString()).toMatch(/"te$/);
  expect(Buffer.from(errors.pass(Buffer.from('event: error'))).toString()).toBe('event: error');
});

test('one that is no JSON, or is cut off, is told without its text', () => {
  const cut = Buffer.from(`event: error\ndata: {"error":{"message":"${key}`);
  expect(passed(cut, 5).text).toBe('event: error\ndata: {"type":"error","error":{"type":"api_error","message":""}}\n');
  const endless = Buffer.from(`event: error\ndata: ${'x'.repeat(200_000)}${key}`);
  expect(passed(endless, 50_000).text.length).toBeLessThan(200);
});
