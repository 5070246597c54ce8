// Secrets that are none, for tests: put together here, so that no scanner of this repository takes them for real ones.
export const secretToken = `ghp_${'aB3dE5fG7hJ9kL1m'.repeat(3).slice(0, 36)}`;

export const secretKey = [
  '-----BEGIN RSA PRIVATE',
  ' KEY-----\n',
  Array.from({ length: 4 }, () => `${'MIIEpAIBAAKCAQEA'.repeat(4)}\n`).join(''),
  '-----END RSA PRIVATE',
  ' KEY-----',
].join('');
