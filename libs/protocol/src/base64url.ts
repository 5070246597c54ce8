// Base64url as the protocol means it (RFC 4648 section 5): no padding, no stray bits, so that one value has one spelling.

/** The one spelling of these bytes; a string counts as UTF-8. */
export function encodeBase64url(bytes: Uint8Array | string): string {
  return Buffer.from(bytes as Uint8Array).toString('base64url');
}

/** The bytes, or undefined for every other spelling of them: padding, stray bits, `+` and `/`, white space. */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}
