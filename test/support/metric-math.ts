/** The part of CloudWatch's metric math that our alarms use: numbers, ids, + - * /, comparisons, IF, FILL, brackets. */
export function evaluateMath(expression: string, values: ReadonlyMap<string, number | null>): number | null {
  const tokens = expression.match(/\d+(?:\.\d+)?|[A-Za-z_]\w*|>=|<=|[-+*/(),<>]/g) ?? [];
  let at = 0;
  const take = (expected: string): void => {
    if (tokens[at++] !== expected) throw new Error(`expected ${expected} in ${expression}`);
  };
  const both = (left: number | null, right: number | null, of: (a: number, b: number) => number) =>
    left === null || right === null ? null : of(left, right);
  const call = (name: string): number | null => {
    take('(');
    const parameters = [comparison()];
    while (tokens[at] === ',') {
      at += 1;
      parameters.push(comparison());
    }
    take(')');
    const [first = null, second = null, third = null] = parameters;
    if (name === 'FILL') return first ?? second;
    // Without data for its condition CloudWatch has none for the result.
    if (name === 'IF') return first === null ? null : first !== 0 ? second : third;
    throw new Error(`unknown function ${name}`);
  };
  const primary = (): number | null => {
    const token = tokens[at++] ?? '';
    if (token === '(') {
      const value = comparison();
      take(')');
      return value;
    }
    if (/^\d/.test(token)) return Number(token);
    if (tokens[at] === '(') return call(token);
    if (!values.has(token)) throw new Error(`unknown metric ${token} in ${expression}`);
    return values.get(token) ?? null;
  };
  const product = (): number | null => {
    let value = primary();
    while (tokens[at] === '*' || tokens[at] === '/') {
      const isProduct = tokens[at++] === '*';
      value = both(value, primary(), (a, b) => (isProduct ? a * b : a / b));
    }
    return value;
  };
  const sum = (): number | null => {
    let value = product();
    while (tokens[at] === '+' || tokens[at] === '-') {
      const isSum = tokens[at++] === '+';
      value = both(value, product(), (a, b) => (isSum ? a + b : a - b));
    }
    return value;
  };
  function comparison(): number | null {
    const left = sum();
    const operator = tokens[at] ?? '';
    const compare = comparisons[operator];
    if (compare === undefined) return left;
    at += 1;
    return both(left, sum(), (a, b) => Number(compare(a, b)));
  }
  const value = comparison();
  if (at !== tokens.length) throw new Error(`cannot read ${expression} from ${tokens[at]}`);
  return value;
}

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
};
