const CLEF = '\u{1d11e}'; // four bytes of UTF-8, two units of UTF-16, one character

/** What a password may be: what it is, and the password. */
export const GOOD_PASSWORDS: readonly (readonly [string, string])[] = [
  ['8 characters', 'kx7qzw2v'],
  ['9 characters', 'kx7qzw2vp'],
  ['8 characters of four bytes each', CLEF.repeat(8)],
  ['72 bytes', 'p'.repeat(71) + 'q'],
  ['72 bytes in 18 characters', CLEF.repeat(18)],
  ['spaces at both ends', '  padded out  '],
];

/** What a new password must not be: what it is, the password, and what is said about it. */
export const NO_PASSWORDS: readonly (readonly [string, unknown, string])[] = [
  ['nothing', '', "can't be blank"],
  ['null', null, "can't be blank"],
  ['white space', '          ', "can't be blank"],
  ['7 characters', 'kx7qzw2', 'is too short'],
  ['7 characters of four bytes each', CLEF.repeat(7), 'is too short'],
  ['73 bytes', 'p'.repeat(73), 'is too long'],
  ['100 bytes in 25 characters', CLEF.repeat(25), 'is too long'],
  ['72 bytes and a half', 'p'.repeat(71) + 'é', 'is too long'],
  ['a NUL within', 'kx7qzw2v\0tail', 'attribute is invalid'],
  ['half a surrogate pair', 'kx7qzw2v\ud834', 'attribute is invalid'],
  ['a common word', 'password', 'is too common'],
  ['a common word in other letters', 'PassWord', 'is too common'],
  ['common digits', '123456789', 'is too common'],
  ['a number', 12345678901, 'attribute is invalid'],
  ['a list', ['kx7qzw2vp'], 'attribute is invalid'],
  ['an object', { $ne: null }, 'attribute is invalid'],
];

/** What is no address, or could pass for another one: what is wrong with it, and the address. */
export const EMAILS_OF_NOBODY: readonly (readonly [string, unknown])[] = [
  ['a full-width at sign', 'person1\uff20example.com'],
  ['full-width letters', '\uff50erson1@example.com'],
  ['the Kelvin sign', '\u212aelvin@example.com'],
  ['a long s', 'per\u017fon1@example.com'],
  ['a capital I with a dot', 'person\u0130@example.com'],
  ['a ligature', '\ufb01rst@example.com'],
  ['a trailing dot', 'person1@example.com.'],
  ['a space before', ' person1@example.com'],
  ['a line break', 'person1@example.com\r\nBcc: all@example.com'],
  ['a NUL', 'person1\0@example.com'],
  ['half a surrogate pair', 'person\ud800@example.com'],
  ['no domain', 'person1'],
  ['more than 254 characters', `${'a'.repeat(250)}@example.com`],
  ['a number', 7],
  ['a list', ['person1@example.com']],
];
