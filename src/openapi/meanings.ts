/** What attributes mean whose names do not say it all, by `type.attribute`. */
export const MEANINGS: Readonly<Record<string, string>> = {
  'sessions.name': 'Up to 255 characters; a machine session has to have one.',
  'sessions.note': 'Up to 1,000 characters.',
  'sessions.token':
    'The credential: shown when it was just made, and to the request that came with it; otherwise null.',
  'sessions.last_ip': 'The address that the session was last used from.',
  'sessions.location': 'The place of that address; null without a GeoIP database, empty for an unknown one.',
  'sessions.machine': 'True for a named session of a program.',
  'sessions.read_only': 'True when it may only read, and mint JWTs, which are always read-only.',
  'sessions.last_activity_at': 'Exact to a minute.',
  'sessions.token_expires_at': 'Slides with each use of a browser session; null means never.',
  'sessions.two_factor_auth': 'Whether a one-time password or recovery code was given.',
  'sessions.single_sign_on': 'Whether an identity provider vouched for it.',
  'sessions.agent_first_name': 'Always null.',
  'sessions.agent_last_name': 'Always null.',
  'sessions.agent_avatar': 'Always null.',
  'sessions.version': 'Grows by one with each change.',
  'sessions.changed_at': 'When `version` last grew.',
  'sessions.secured_until': 'An hour from the last code that was given in the session; null for none.',
  'sessions.factors': 'When each factor was last given in the session; null for never.',
  'sessions.browser_id': 'The browser that holds it along with others.',
  'sessions.organization_id':
    'The organisation that it acts for, one of its user’s; sent as a number or a text.',
  'sessions.creator_id': 'The user who opened it, mostly the one whose session it is.',
  'sessions.device_name': 'What its user calls the device; up to 255 characters.',
  'sessions.environment': 'The kind of place the device works in, e.g. `CashRegister`; up to 100 characters.',
  'sessions.latitude': 'Of the place of `last_ip`, in degrees of WGS 84.',
  'sessions.longitude': 'Of the place of `last_ip`, in degrees of WGS 84.',
  'sessions.fingerprint': 'What tells the user’s agent from others, as whoever opened the session said.',
  'sessions.agent':
    'What else whoever opened it for its user said of the agent: address, description, headers.',
  'sessions.metadata':
    'Texts by name, kept with the session: up to 50, names of up to 100 characters, values of up to 1,000. Sent whole.',
  'sessions.lifetime_seconds':
    'A fixed life from the opening on, from 60 seconds to 365 days; without one it slides with its use.',
  'sessions.refreshable':
    'Whether it can be renewed by a token of its own, which `meta.refresh_token` shows once.',
  'sessions.otp': 'A code of the authenticator app, or a recovery code.',
  'verifications.level':
    '`first_factor`, `second_factor`, or `multi_factor`: first one, then the other. What is going to be proved.',
  'verifications.status':
    '`needs_first_factor`, `needs_second_factor`, `complete`, `failed` after five wrong proofs, `replaced`, `expired`.',
  'verifications.strategies':
    'What the present step takes, of `password`, `email_code`, `sms_code`, `totp`, `recovery_code`; none once it is over.',
  'verifications.strategy':
    '`password`, `email_code`, `sms_code`, `totp` or `recovery_code`; only codes are sent.',
  'verifications.code': 'For every strategy but `password`.',
  'verifications.password': 'For the strategy `password`.',
  'users.email': 'Compared without case, after Unicode NFC.',
  'users.password': 'From 8 characters to 72 bytes, and none of the commonest.',
  'users.current_password':
    'The password of whoever asks; needed to change `email`, `phone_number` or `password`.',
  'users.locale': 'BCP 47, e.g. `de-AT`.',
  'users.time_zone': 'IANA name, e.g. `Europe/Vienna`.',
  'users.status': '`active` or `closed`.',
  'users.rights':
    '`user.read`, `user.write`, `session.read`, `session.write`, `session.delete`, `event.read`, or `*`; given by the command line.',
  'users.metadata':
    'What administrators note of the user: an object of at most 8 kB of JSON, five levels deep. Nobody sets their own.',
  'organizations.slug': 'Lower-case letters, digits and hyphens; no two organisations have the same.',
  'organizations.role': 'What the caller is in it, e.g. `admin` or `member`; null for who is no member.',
  'organizations.metadata': 'What administrators note of it.',
  'events.action': 'What was done or tried, e.g. `session.open`: docs/events.md has all.',
  'events.outcome': '`ok` or `refused`.',
  'events.reason': 'Why it was refused, e.g. `unauthenticated`.',
  'events.user_id':
    'Whose account or session it is about; null where nobody is known, as after a wrong password.',
  'events.session_id': 'The session it is about.',
  'events.actor_id': 'Who did it, where that is said apart from whose it is; 0 is the command line.',
  'events.actor_session_id': 'The session that it was done with.',
  'events.ip': 'The address it came from.',
  'events.name': 'Which one, of what is known by a name.',
  'events.count': 'How many it touched, or how often the same happened within a second; null for once.',
  'events.request_id': 'The `X-Request-Id` of the answer.',
  'otp_enrollments.secret': 'Base32, for the authenticator app; shown once, at the start.',
  'otp_enrollments.otpauth_uri': 'The same for a link or a QR code; shown once, at the start.',
  'otp_enrollments.qr_code': 'A PNG of the URI as a data URL; shown once, at the start.',
  'otp_enrollments.recovery_codes': 'Five codes, each good for one use; shown when they were just made.',
  'otp_enrollments.confirmed_at': 'Null until the first code was given.',
  'otp_enrollments.otp': 'A code of the authenticator app or, once confirmed, a recovery code.',
};
