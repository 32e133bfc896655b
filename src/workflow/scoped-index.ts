const NONE: readonly never[] = [];

/**
 * Values by a number inside a scope. Two scopes never meet, whatever their numbers. Nearly every number
 * has one value, which is kept without a list around it.
 */
export class ScopedIndex<V extends object> {
  readonly #scopes = new Map<string, Map<number, V | V[]>>();

  /** The values, in the order in which they came. */
  get(scope: string, key: number): readonly V[] {
    const values = this.#scopes.get(scope)?.get(key);
    if (values === undefined) return NONE;
    return Array.isArray(values) ? values : [values];
  }

  /** A value that is not there under this number. Answers how many the number has now. */
  add(scope: string, key: number, value: V): number {
    let keys = this.#scopes.get(scope);
    if (keys === undefined) this.#scopes.set(scope, (keys = new Map()));
    const values = keys.get(key);
    if (values === undefined) keys.set(key, value);
    else if (Array.isArray(values)) return values.push(value);
    else keys.set(key, [values, value]);
    return values === undefined ? 1 : 2;
  }

  delete(scope: string, key: number, value: V): void {
    const keys = this.#scopes.get(scope);
    const values = keys?.get(key);
    if (keys === undefined || values === undefined) return;
    if (Array.isArray(values)) {
      const at = values.indexOf(value);
      if (at >= 0) values.splice(at, 1);
    }
    if (values !== value && (!Array.isArray(values) || values.length > 0)) return;
    keys.delete(key);
    if (keys.size === 0) this.#scopes.delete(scope);
  }
}
