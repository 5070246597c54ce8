// Certificates of authorities as an admin hands them over: PEM, one or several of them.
import { X509Certificate } from 'node:crypto';
import { WritError } from './errors.js';

const block = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Each certificate by itself. @throws WritError `config_invalid` for a text without one, or with one that is of no use. */
export function authoritiesIn(pem: string, nowMs = Date.now()): string[] {
  if (pem.includes('PRIVATE KEY-----')) throw fault('it holds a private key, which belongs nowhere near it');
  const found = pem.match(block) ?? [];
  if (found.length === 0) throw fault('there is no certificate in PEM in it');
  const current = found.filter((one, index) => !ranOut(one, index, nowMs));
  if (current.length === 0) throw fault('all of its certificates have run out');
  return current;
}

function ranOut(pem: string, index: number, nowMs: number): boolean {
  try {
    return Date.parse(new X509Certificate(pem).validTo) < nowMs;
  } catch {
    throw fault(`certificate ${index + 1} cannot be read`);
  }
}

function fault(why: string): WritError {
  return new WritError('config_invalid', why, { field: 'ca' });
}
