/** A right program for each task of code, by its id. */
export const CODE_SOLUTIONS: Readonly<Record<string, string>> = {
  "even-sum": `print(sum(n for n in map(int, input().split()) if n % 2 == 0))`,
  mirror: `s = input()
print("yes" if s == s[::-1] else "no")`,
  "count-words": `print(len(set(input().lower().split())))`,
  primes: `n = int(input())
sieve = [True] * (n + 1)
count = 0
for p in range(2, n + 1):
    if sieve[p]:
        count += 1
        for m in range(p * p, n + 1, p):
            sieve[m] = False
print(count)`,
  "run-lengths": `from itertools import groupby
print("".join(k + str(len(list(g))) for k, g in groupby(input())))`,
  brackets: `pairs = {")": "(", "]": "[", "}": "{"}
stack = []
good = True
for c in input():
    if c not in pairs:
        stack.append(c)
    elif not stack or stack.pop() != pairs[c]:
        good = False
print("ok" if good and not stack else "bad")`,
  "second-largest": `values = sorted(set(map(int, input().split())))
print(values[-2] if len(values) > 1 else "none")`,
  roman: `worth = dict(I=1, V=5, X=10, L=50, C=100, D=500, M=1000)
s = [worth[c] for c in input()]
print(sum(-a if any(b > a for b in s[i + 1:i + 2]) else a for i, a in enumerate(s)))`,
  "best-stretch": `best = here = None
for n in map(int, input().split()):
    here = n if here is None or here < 0 else here + n
    best = here if best is None else max(best, here)
print(best)`,
  coins: `amount = int(input())
coins = list(map(int, input().split()))
least = [0] + [None] * amount
for a in range(1, amount + 1):
    ways = [least[a - c] + 1 for c in coins if c <= a and least[a - c] is not None]
    least[a] = min(ways) if ways else None
print(-1 if least[amount] is None else least[amount])`,
  "grid-steps": `import sys
from collections import deque
grid = sys.stdin.read().split()
end = (len(grid) - 1, len(grid[0]) - 1)
steps = {(0, 0): 0}
queue = deque([(0, 0)])
while queue:
    r, c = queue.popleft()
    for at in ((r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)):
        inside = 0 <= at[0] <= end[0] and 0 <= at[1] <= end[1]
        if inside and grid[at[0]][at[1]] == "." and at not in steps:
            steps[at] = steps[(r, c)] + 1
            queue.append(at)
print(steps.get(end, -1))`,
  "common-letters": `a, b = input(), input()
row = [0] * (len(b) + 1)
for x in a:
    new = [0]
    for j, y in enumerate(b):
        new.append(row[j] + 1 if x == y else max(row[j + 1], new[j]))
    row = new
print(row[-1])`,
};
