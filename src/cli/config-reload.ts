import { FileWatch } from "./file-watch.ts";
import type { Printer } from "./printer.ts";

/**
 * Has the config read anew when its file changes and at SIGHUP, until it is closed. What became of it is
 * told in the gateway's log.
 */
export async function reloadConfig(
  file: string,
  reload: () => Promise<unknown>,
  printer: Printer,
): Promise<{ close(): void }> {
  const ask = (): void => void reload();
  let watched: FileWatch | null = null;
  try {
    watched = await FileWatch.start([file], ask);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    printer.say(`the config is not watched, SIGHUP has it read anew: ${reason}`);
  }
  process.on("SIGHUP", ask);
  return {
    close: () => {
      process.off("SIGHUP", ask);
      watched?.close();
    },
  };
}
