/** What shortcodes stand for, by their first word, e.g. `user`. */
export type Facts = Readonly<Record<string, unknown>>;

/** The first words that are known. */
const ROOTS = ['user', 'org', 'session'] as const;

const OPERAND = String.raw`'[^'{}]*'|-?\d+(?:\.\d+)?|[A-Za-z_][\w-]*(?:\.[\w-]+)*`;
const EXPRESSION = new RegExp(String.raw`^\s*(?:${OPERAND})(?:\s*\|\|\s*(?:${OPERAND}))*\s*$`);
const OPERANDS = new RegExp(OPERAND, 'g');
const SHORTCODES = /\{\{([^{}]*)\}\}/g;
const WHOLE = /^\{\{([^{}]*)\}\}$/;

/**
 * Fills in the shortcodes of a template (Clerk, "JWT templates"): a string that is one shortcode becomes its value,
 * of whatever type; inside a longer string it becomes text. `{{a || b || 'text'}}` is the first operand that is
 * neither null nor false, or the last. What a shortcode does not find is null. Names of members stay as they are.
 */
export function fillIn(template: unknown, facts: Facts): unknown {
  if (typeof template === 'string') return fillText(template, facts);
  if (Array.isArray(template)) return template.map((member) => fillIn(member, facts));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([name, member]) => [name, fillIn(member, facts)]));
}

/** Whether every shortcode in a template can be read, and begins with a word that is known. */
export function hasGoodShortcodes(template: unknown): boolean {
  if (typeof template === 'string') {
    const rest = template.replace(SHORTCODES, (_, expression: string) => (isGood(expression) ? '' : '{{'));
    return !rest.includes('{{');
  }
  return (
    typeof template !== 'object' || template === null || Object.values(template).every(hasGoodShortcodes)
  );
}

function fillText(text: string, facts: Facts): unknown {
  const [, whole] = WHOLE.exec(text) ?? [];
  if (whole !== undefined) return valueOf(whole, facts);
  return text.replace(SHORTCODES, (_, expression: string) => {
    const value = valueOf(expression, facts);
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
}

function valueOf(expression: string, facts: Facts): unknown {
  let value: unknown = null;
  for (const operand of operandsOf(expression)) {
    value = operandValue(operand, facts);
    if (value !== null && value !== false) break;
  }
  return value;
}

function operandValue(operand: string, facts: Facts): unknown {
  if (operand.startsWith("'")) return operand.slice(1, -1);
  if (/^[-\d]/.test(operand)) return Number(operand);
  if (operand === 'true' || operand === 'false') return operand === 'true';
  let value: unknown = facts;
  for (const name of operand.split('.')) {
    const there = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
    value = there ? (value as Facts)[name] : null;
  }
  return value ?? null;
}

function isGood(expression: string): boolean {
  const roots: readonly string[] = [...ROOTS, 'true', 'false'];
  return (
    EXPRESSION.test(expression) &&
    operandsOf(expression).every(
      (operand) => !/^[A-Za-z_]/.test(operand) || roots.includes(operand.split('.')[0]!),
    )
  );
}

function operandsOf(expression: string): string[] {
  return expression.match(OPERANDS) ?? [];
}
