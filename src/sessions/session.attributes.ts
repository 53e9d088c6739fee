import { Attribute, optionalText, requiredSecret } from '../json-api/rules.js';

/** Longest name of a session, in characters (DECISIONS.md, Native 6). */
export const MAX_NAME = 255;
/** Longest note on a session, in characters. */
export const MAX_NOTE = 1_000;

/** What `POST /sessions` takes. Whatever text is sent as e-mail or password is judged by signing in with it. */
export class SignIn {
  @Attribute(requiredSecret) email: string;
  @Attribute(requiredSecret) password: string;
  @Attribute(optionalText(MAX_NAME)) name?: string | null;
  @Attribute(optionalText(MAX_NOTE)) note?: string | null;
}

/** What `PUT /sessions/:id/validate_otp` takes. */
export class OtpValidation {
  @Attribute(requiredSecret) otp: string;
  @Attribute(requiredSecret) password: string;
}

/** What `PATCH /sessions/:id` takes; what is absent keeps its value. */
export class SessionDescription {
  @Attribute(optionalText(MAX_NAME)) name?: string | null;
  @Attribute(optionalText(MAX_NOTE)) note?: string | null;
}

/** What `POST /sessions/refresh` takes. */
export class Renewal {
  @Attribute(requiredSecret) refresh_token: string;
}
