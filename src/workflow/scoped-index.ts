/** Values by a number inside a scope. Two scopes never meet, whatever their numbers. */
export class ScopedIndex<V> {
  readonly #scopes = new Map<string, Map<number, Set<V>>>();

  /** The values, in the order in which they came; undefined where there are none. */
  get(scope: string, key: number): ReadonlySet<V> | undefined {
    return this.#scopes.get(scope)?.get(key);
  }

  /** Returns all values of the key, the added one last. */
  add(scope: string, key: number, value: V): ReadonlySet<V> {
    const keys = this.#scopes.get(scope) ?? new Map<number, Set<V>>();
    const values = keys.get(key) ?? new Set<V>();
    this.#scopes.set(scope, keys);
    keys.set(key, values);
    return values.add(value);
  }

  delete(scope: string, key: number, value: V): void {
    const keys = this.#scopes.get(scope);
    const values = keys?.get(key);
    values?.delete(value);
    if (values?.size === 0) keys?.delete(key);
    if (keys?.size === 0) this.#scopes.delete(scope);
  }
}
