import { Injectable } from '@nestjs/common';
import type { Caller } from '../caller.js';
import { Clock } from '../clock.js';
import { done } from '../events/audit-event.js';
import { AuditLog } from '../events/audit-log.js';
import { Refusal } from '../refusal.js';
import type { JwtTemplate } from './jwt-template.entity.js';
import { JwtTemplatesStore } from './jwt-templates.store.js';
import { MAX_JWT_SECONDS } from './keys.service.js';
import { fillIn, hasGoodShortcodes, type Facts } from './shortcodes.js';

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const MIN_SECONDS = 30;
const MAX_TEMPLATE_BYTES = 4_096;
const MAX_FILLED_BYTES = 16_384;
/** NUL and half surrogate pairs, as JSON escapes them: PostgreSQL cannot keep them. */
const UNKEPT = /\\u(0000|d[89ab][0-9a-f]{2}|d[c-f][0-9a-f]{2})/i;

/**
 * Claims that say whose a token is, until when, and which session it stands for. A template that set them would make
 * what verifiers take for a session token, or by `type` for a native JWT, whose keys are published beside its own.
 */
const RESERVED = [
  ...['azp', 'exp', 'iat', 'iss', 'jti', 'nbf', 'sub'],
  ...['act', 'fea', 'fva', 'o', 'pla', 'sid', 'sts', 'v'],
  'type',
];

/** A template as somebody gives it. */
interface TemplateDraft {
  readonly name: string;
  readonly claims: unknown;
  readonly lifetimeSeconds: number;
}

/** Named shapes of JWTs, which applications ask for by name. */
@Injectable()
export class JwtTemplatesService {
  constructor(
    private readonly store: JwtTemplatesStore,
    private readonly clock: Clock,
    private readonly audit: AuditLog,
  ) {}

  /**
   * The claims of a template with its shortcodes filled in; null when there is none of this name.
   * @throws Refusal conflict when they have become too large for a token
   */
  async fill(
    name: string,
    facts: Facts,
  ): Promise<{ claims: Record<string, unknown>; lifetimeSeconds: number } | null> {
    const template = NAME.test(name) ? await this.store.find(name) : null;
    if (template === null) return null;
    const claims = fillIn(template.claims, facts) as Record<string, unknown>;
    if (Buffer.byteLength(JSON.stringify(claims)) > MAX_FILLED_BYTES)
      throw new Refusal('conflict', { detail: 'What this template is filled with is too large for a token' });
    return { claims, lifetimeSeconds: template.lifetimeSeconds };
  }

  /** All templates, by name. */
  list(): Promise<JwtTemplate[]> {
    return this.store.list();
  }

  /** @throws Refusal not_found */
  async read(name: string): Promise<JwtTemplate> {
    const template = NAME.test(name) ? await this.store.find(name) : null;
    if (template === null) throw new Refusal('not_found', { detail: NO_SUCH_TEMPLATE });
    return template;
  }

  /**
   * Adds a template, or puts it in the place of the one with its name. Tokens that were made keep what they say.
   * @throws Refusal invalid at `name`, `claims` or `lifetime_seconds`; too_long or not_settable at `claims`
   */
  async put(caller: Caller, { name, claims, lifetimeSeconds }: TemplateDraft): Promise<JwtTemplate> {
    if (!NAME.test(name)) throw new Refusal('invalid', { attribute: 'name' });
    const inBounds = lifetimeSeconds >= MIN_SECONDS && lifetimeSeconds <= MAX_JWT_SECONDS;
    if (!Number.isInteger(lifetimeSeconds) || !inBounds)
      throw new Refusal('invalid', {
        attribute: 'lifetime_seconds',
        detail: `The lifetime is ${MIN_SECONDS} to ${MAX_JWT_SECONDS} seconds`,
      });
    const draft = { name, claims: checkedClaims(claims), lifetimeSeconds };
    return this.audit.accounted((manager, note) => {
      note(done('jwt_template.put', caller, { name }));
      return this.store.put(manager, draft, this.clock.now());
    });
  }

  /** @throws Refusal not_found */
  async remove(caller: Caller, name: string): Promise<void> {
    await this.audit.accounted(async (manager, note) => {
      const removed = NAME.test(name) && (await this.store.remove(manager, name));
      if (!removed) throw new Refusal('not_found', { detail: NO_SUCH_TEMPLATE });
      note(done('jwt_template.remove', caller, { name }));
    });
  }
}

const NO_SUCH_TEMPLATE = 'There is no JWT template of this name';

function checkedClaims(claims: unknown): Record<string, unknown> {
  const attribute = 'claims';
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims))
    throw new Refusal('invalid', { attribute, detail: 'The claims are a JSON object' });
  const text = JSON.stringify(claims);
  if (Buffer.byteLength(text) > MAX_TEMPLATE_BYTES) throw new Refusal('too_long', { attribute });
  if (UNKEPT.test(text)) throw new Refusal('invalid', { attribute });
  const reserved = Object.keys(claims).find((name) => RESERVED.includes(name));
  if (reserved !== undefined)
    throw new Refusal('not_settable', {
      attribute,
      detail: `The claim ${reserved} is Latchkey's own to set`,
    });
  if (!hasGoodShortcodes(claims))
    throw new Refusal('invalid', {
      attribute,
      detail: "A shortcode cannot be read: write {{user.first_name}} or {{org.slug || 'none'}}",
    });
  return claims as Record<string, unknown>;
}
