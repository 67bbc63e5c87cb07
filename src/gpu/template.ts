// The directives of templated kernels in shaders/: text that WGSL overrides can't express (unrolled register blocks).
//   //let OB = 8               default of a template constant, replaced by the variant's value
//   //for o in 0..OB {         the lines up to the matching //} once per o, with $o and $(o+1) replaced by numbers
//   //if ONCE {                the lines up to the matching //} where the value is not 0; those after //} else { where it is
//   //include NAME             the lines of shaders/include/NAME.wgsl, indented as the directive: the build inserts them
// A value or bound is made of integers, names, +, -, *, /, % and parentheses; / rounds down.

export type TemplateConstants = Readonly<Record<string, number>>;

const INCLUDE = /^(\s*)\/\/include (\w+)$/;

/** Inserts the text that `textOf` returns for each name; includes may include. Throws what it throws, and for an include of itself. */
export function inlineIncludes(source: string, textOf: (name: string) => string, within: readonly string[] = []): string {
  const inserted = source.split("\n").map((line) => {
    const [, indent, name] = INCLUDE.exec(line) ?? [];
    if (name === undefined) return line;
    if (within.includes(name)) throw new Error(`template: ${name} includes itself`);
    const text = inlineIncludes(textOf(name).trimEnd(), textOf, [...within, name]);
    return text.replace(/^(?=.)/gm, indent!);
  });
  return inserted.join("\n");
}

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
    const line = lines[i]!;
    const [, loop, from, to] = /^\s*\/\/for (\w+) in (\S+)\.\.(\S+) \{$/.exec(line) ?? [];
    const [, condition] = /^\s*\/\/if (\S+) \{$/.exec(line) ?? [];
    if (loop === undefined && condition === undefined) {
      if (/^\s*\/\/(for|if|include|\})/.test(line)) throw new Error(`template: "${line.trim()}" is out of place or misspelt`);
      out.push(substituted(line, scope));
      continue;
    }
    const { otherwise, end } = blockAt(lines, i);
    const body = lines.slice(i + 1, otherwise ?? end);
    if (loop !== undefined) {
      if (otherwise !== null) throw new Error(`template: "${line.trim()}" has an else`);
      for (let v = evaluate(from!, scope); v < evaluate(to!, scope); v++)
        out.push(...expand(body, new Map([...scope, [loop, v]])));
    } else if (evaluate(condition!, scope) !== 0) out.push(...expand(body, scope));
    else if (otherwise !== null) out.push(...expand(lines.slice(otherwise + 1, end), scope));
    i = end;
  }
  return out;
}

const substituted = (line: string, scope: ReadonlyMap<string, number>): string =>
  line.replace(/\$(?:\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))+)\)|([a-zA-Z]))/g, (_, sum, name) =>
    String(evaluate(sum ?? name, scope)),
  );

/** Where the block that begins in line `start` has its else, if any, and its end. */
function blockAt(lines: readonly string[], start: number): { otherwise: number | null; end: number } {
  let depth = 0;
  let otherwise: number | null = null;
  for (let i = start; i < lines.length; i++) {
    if (/^\s*\/\/(for|if) /.test(lines[i]!)) depth++;
    else if (depth === 1 && otherwise === null && /^\s*\/\/\} else \{$/.test(lines[i]!)) otherwise = i;
    else if (/^\s*\/\/\}$/.test(lines[i]!) && --depth === 0) return { otherwise, end: i };
  }
  throw new Error(`template: "${lines[start]!.trim()}" in line ${start + 1} has no end`);
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
