/**
 * A pure function that remembers what it answered, for at most so many arguments: then it forgets them all, which costs
 * less than telling which of them was used last. What it throws is not remembered.
 */
export function remembered<Key, Value extends NonNullable<unknown>>(
  most: number,
  compute: (key: Key) => Value,
): (key: Key) => Value {
  const known = new Map<Key, Value>();
  return (key) => {
    let value = known.get(key);
    if (value === undefined) {
      value = compute(key);
      if (known.size >= most) known.clear();
      known.set(key, value);
    }
    return value;
  };
}
