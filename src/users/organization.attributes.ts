import { Attribute, requiredText, type Rule } from '../json-api/rules.js';
import { optionalMetadata } from './metadata.js';

/** Short enough for a path, and never to be taken for an id of any API. */
const slug: Rule = (value) => {
  const missing = requiredText(100)(value);
  return missing ?? (/^(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/.test(value as string) ? null : 'invalid');
};

const role: Rule = (value) => {
  const missing = requiredText(50)(value);
  return missing ?? (/^[a-z][a-z0-9_-]*$/.test(value as string) ? null : 'invalid');
};

const unlessAbsent =
  (rule: Rule): Rule =>
  (value) =>
    value === undefined ? null : rule(value);

/** What a new organisation is made of. */
export class NewOrganization {
  @Attribute(requiredText(255)) name: string;
  @Attribute(slug) slug: string;
  @Attribute(optionalMetadata) metadata?: Record<string, unknown> | null;
}

/** What can be changed about an organisation; what is absent keeps its value. */
export class OrganizationChanges {
  @Attribute(unlessAbsent(requiredText(255))) name?: string;
  @Attribute(unlessAbsent(slug)) slug?: string;
  @Attribute(optionalMetadata) metadata?: Record<string, unknown> | null;
}

/** What somebody is in an organisation. */
export class NewMembership {
  @Attribute(role) role: string;
}
