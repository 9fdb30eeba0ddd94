/**
 * One turn of the event loop: when it resolves, every chain of promises that needs neither time nor the outside has run
 * to its end. No time is meant by it; virtual time stands still.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
