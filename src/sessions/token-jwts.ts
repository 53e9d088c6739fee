import { Injectable } from '@nestjs/common';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { Clock } from '../clock.js';
import { looksLikeToken, Sealer } from '../secrets.js';
import type { Session } from './session.entity.js';

/** What such a JWT carries beside the registered claims `sub`, the user's id, and `exp`. */
interface TokenClaims {
  readonly sub: string;
  /** The session's token itself. */
  readonly jti: string;
  /** Seconds since 1970. */
  readonly exp: number;
  readonly type: 'session';
}

/**
 * A session's token in the form of a JWT, for clients that expect one. It is a credential, nothing that anybody else
 * verifies: so it is authenticated under SECRET_KEY (HS256) rather than signed with the published keys, whose rotation
 * would otherwise end sessions of half a day, and whose check would cost more than the statement behind it.
 */
@Injectable()
export class TokenJwts {
  private readonly key: Buffer;

  constructor(
    sealer: Sealer,
    private readonly clock: Clock,
  ) {
    this.key = sealer.deriveKey('session tokens as JWT');
  }

  /** @param session one whose token was just minted, or came with the request */
  wrap({ token, userId, expiresAt }: Session): string {
    if (token === undefined || expiresAt === null) throw new Error('a session that has no token to wrap');
    const exp = Math.floor(expiresAt.getTime() / 1000);
    const claims: TokenClaims = { sub: userId, jti: token, exp, type: 'session' };
    return this.authenticate(encode(claims));
  }

  /** The token that a credential is, or that it wraps; null for whatever is neither: forged, expired, of another kind. */
  tokenOf(credential: string): string | null {
    if (looksLikeToken(credential)) return credential;
    const [header, payload = ''] = credential.split('.', 2);
    if (header !== HEADER || !sameText(credential, this.authenticate(payload))) return null;
    const { jti, exp } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as TokenClaims;
    return exp > this.clock.seconds() ? jti : null;
  }

  private authenticate(payload: string): string {
    const authenticated = `${HEADER}.${payload}`;
    return `${authenticated}.${createHmac('sha256', this.key).update(authenticated).digest('base64url')}`;
  }
}

/** RFC 7515: these two members, in this spelling only. */
const HEADER = encode({ alg: 'HS256', typ: 'JWT' });

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

function sameText(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}
