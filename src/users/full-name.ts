import type { User } from './user.entity.js';

/** What someone is called, first name first; null for whoever has told no name. */
export function fullName({ firstName, lastName }: Pick<User, 'firstName' | 'lastName'>): string | null {
  return [firstName, lastName].filter(Boolean).join(' ') || null;
}
