// Six words that two people read to each other over the telephone.
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { WritError } from './errors.js';
import { decodeBase64url } from './base64url.js';

const wordCount = 6;
const bitsPerWord = 11;

/** The first 66 bits of a thumbprint as six BIP-39 English words with single spaces. @throws WritError `key_invalid` */
export function fingerprintWords(thumbprint: string): string {
  const bytes = decodeBase64url(thumbprint);
  if (bytes?.length !== 32) throw new WritError('key_invalid', 'A thumbprint has 32 bytes in base64url.');
  const bits = BigInt(`0x${bytes.toString('hex')}`);
  return Array.from({ length: wordCount }, (_, index) => wordAt(bits, index)).join(' ');
}

function wordAt(bits: bigint, index: number): string {
  const shift = BigInt(256 - bitsPerWord * (index + 1));
  return wordlist[Number((bits >> shift) & 0x7ffn)] ?? '';
}
