// Expands the two directives of templated kernels in shaders/: text that WGSL overrides can't express (unrolled register blocks).
//   //for o in 0..OB {      the lines up to the matching //} once per o, with $o and $(o+1) replaced by numbers
//   //let OB = 8            default of a template constant, replaced by the variant's value
// A bound or $(…) is made of integers, names, +, -, *, /, % and parentheses; / rounds down.

export type TemplateConstants = Readonly<Record<string, number>>;

export function expandTemplate(source: string, constants: TemplateConstants = {}): string {
  const lines = source.split("\n");
  const defaults = lines.flatMap((line) => {
    const [, name, value] = /^\/\/let (\w+) = (\d+)/.exec(line) ?? [];
    return name ? [[name, Number(value)] as const] : [];
  });
  const scope = new Map<string, number>(defaults);
  for (const [name, value] of Object.entries(constants)) {
    if (!scope.has(name)) throw new Error(`template constant ${name} is not declared`);
    scope.set(name, value);
  }
  return expand(lines, scope).join("\n");
}

function expand(lines: readonly string[], scope: ReadonlyMap<string, number>): string[] {
  const out: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    const loop = /^\s*\/\/for (\w+) in (\S+)\.\.(\S+) \{$/.exec(lines[i]!);
    if (!loop) {
      out.push(
        lines[i]!.replace(/\$(?:\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))+)\)|([a-zA-Z]))/g, (_, sum, name) =>
          String(evaluate(sum ?? name, scope)),
        ),
      );
      continue;
    }
    const end = matchingEnd(lines, i);
    for (let v = evaluate(loop[2]!, scope); v < evaluate(loop[3]!, scope); v++) {
      out.push(...expand(lines.slice(i + 1, end), new Map([...scope, [loop[1]!, v]])));
    }
    i = end;
  }
  return out;
}

function matchingEnd(lines: readonly string[], start: number): number {
  let depth = 0;
  for (let i = start; i < lines.length; i++) {
    if (/^\s*\/\/for /.test(lines[i]!)) depth++;
    else if (/^\s*\/\/\}$/.test(lines[i]!) && --depth === 0) return i;
  }
  throw new Error(`template loop in line ${start + 1} has no end`);
}

/** A sum of products and quotients of integers, names and sums in parentheses. */
function evaluate(expression: string, scope: ReadonlyMap<string, number>): number {
  const tokens = expression.match(/\w+|\S/g) ?? [];
  let at = 0;
  const factor = (): number => {
    const token = tokens[at++] ?? "";
    if (token === "(") {
      const value = sum();
      if (tokens[at++] !== ")") throw new Error(`template: a parenthesis of ${expression} is not closed`);
      return value;
    }
    const value = scope.get(token) ?? (/^\d+$/.test(token) ? Number(token) : Number.NaN);
    if (Number.isNaN(value)) throw new Error(`template: ${token} in ${expression} is neither a number nor a name in scope`);
    return value;
  };
  const chain = (operand: () => number, operators: Readonly<Record<string, (a: number, b: number) => number>>): number => {
    let value = operand();
    for (;;) {
      const operator = operators[tokens[at] ?? ""];
      if (!operator) return value;
      at++;
      value = operator(value, operand());
    }
  };
  const product = () => chain(factor, { "*": (a, b) => a * b, "/": (a, b) => Math.floor(a / b), "%": (a, b) => a % b });
  const sum = (): number => chain(product, { "+": (a, b) => a + b, "-": (a, b) => a - b });
  const value = sum();
  if (at < tokens.length) throw new Error(`template: ${expression} goes on after its end`);
  return value;
}
