/**
 * Tokens of finished stages that an engine still keeps, one entry a workflow, oldest first. The
 * next stage takes its entry: from then on the tokens are part of what the running stage holds.
 */
export class PrefixCache {
  private readonly tokensByWorkflow = new Map<string, number>();
  private total = 0;

  get keptTokens(): number {
    return this.total;
  }

  /** Replaces the workflow's entry and makes it the newest. */
  keep(workflowId: string, tokens: number): void {
    this.take(workflowId);
    this.tokensByWorkflow.set(workflowId, tokens);
    this.total += tokens;
  }

  /** Tokens that were kept for the workflow, 0 when none were; they are kept no longer. */
  take(workflowId: string): number {
    const tokens = this.tokensByWorkflow.get(workflowId);
    if (tokens === undefined) return 0;
    this.tokensByWorkflow.delete(workflowId);
    this.total -= tokens;
    return tokens;
  }

  /** Drops the oldest entries until no more than `tokensMax` tokens are kept. */
  trim(tokensMax: number): void {
    if (this.total <= tokensMax) return;
    for (const [workflowId, tokens] of this.tokensByWorkflow) {
      this.tokensByWorkflow.delete(workflowId);
      this.total -= tokens;
      if (this.total <= tokensMax) return;
    }
  }
}
