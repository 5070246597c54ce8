// The cookie of a session. Cookies know no ports: its name has the instance in it, so that a hub and a spoke of one machine do not
// sign each other out.

export interface CookieOptions {
  readonly role: 'hub' | 'spoke';
  readonly name: string;
  /** Only over TLS, and bound to the host by `__Host-` (RFC 6265bis, 4.1.3.2). */
  readonly secure: boolean;
}

/** `Lax`: sent also when another site leads here, as an issuer does; `Strict`: for pages of ours alone. */
type SameSite = 'Strict' | 'Lax';

export class SessionCookie {
  readonly name: string;

  constructor(
    private readonly options: CookieOptions,
    what = 'writ',
    private readonly sameSite: SameSite = 'Strict',
  ) {
    this.name = `${options.secure ? '__Host-' : ''}${what}_${options.role}_${options.name}`;
  }

  /** What the header `Cookie` has under our name. */
  read(header: string | undefined): string | undefined {
    const pairs = (header ?? '').split(';').map((pair) => pair.trim().split('='));
    return pairs.find(([name]) => name === this.name)?.[1];
  }

  /** The value of `Set-Cookie`. */
  set(token: string, maxAgeS: number): string {
    return this.text(token, maxAgeS);
  }

  clear(): string {
    return this.text('', 0);
  }

  private text(value: string, maxAgeS: number): string {
    const about = `Path=/; HttpOnly; SameSite=${this.sameSite}; Max-Age=${maxAgeS}`;
    return `${this.name}=${value}; ${about}${this.options.secure ? '; Secure' : ''}`;
  }
}
