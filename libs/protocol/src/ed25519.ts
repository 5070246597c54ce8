// Ed25519 points that must never be a key: under them one fixed signature verifies any message. Node and jose import
// them, and OpenSSL before 3.5 also verifies with them. See "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko, 2020), table 1.

const p = 2n ** 255n - 19n;

const order8Y = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

/** The y coordinates of the eight points whose order divides 8; the sign bit of x makes no difference here. */
const lowOrderY: ReadonlySet<bigint> = new Set([0n, 1n, p - 1n, order8Y, p - order8Y]);

/** Whether these 32 bytes (little endian, RFC 8032) are a low-order point, or a y that is not reduced modulo p. */
export function lowOrderOrUnreduced(encoded: Uint8Array): boolean {
  const y = BigInt(`0x${Buffer.from(encoded).reverse().toString('hex')}`) & (2n ** 255n - 1n);
  return y >= p || lowOrderY.has(y);
}
