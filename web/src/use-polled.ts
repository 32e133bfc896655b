import { useEffect, useState } from "preact/hooks";

/**
 * What `read` answers, asked again `everyMs` after each answer; null before the first. Keeps the last
 * answer when one fails, and until the next when the inputs change. `everyMs` null: nothing is asked for.
 */
export function usePolled<T>(
  read: (signal: AbortSignal) => Promise<T>,
  everyMs: number | null,
  inputs: readonly unknown[],
): T | null {
  const [answer, setAnswer] = useState<T | null>(null);
  useEffect(() => {
    if (everyMs === null) return;
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      const news = await read(controller.signal).catch(() => null);
      if (controller.signal.aborted) return;
      if (news !== null) setAnswer(() => news);
      timer = setTimeout(() => void ask(), everyMs);
    };
    void ask();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [everyMs, ...inputs]);
  return answer;
}
