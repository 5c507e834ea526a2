/**
 * WIT, the interface description language of the WebAssembly component model.
 *
 * Words are contextual here: where a word that WIT reserves stands in the place of an identifier, the tree
 * holds an identifier, and the reader of the tree rejects it (it can then say which word it is). Rules
 * of the text form that are not about its shape (kebab case, limits, repeated gates) are the reader's too.
 *
 * Regenerate src/ with scripts/generate-grammar.
 */

const commaList = rule => optional(seq(rule, repeat(seq(',', rule)), optional(',')));

const primitive = choice(
  'u8', 'u16', 'u32', 'u64', 's8', 's16', 's32', 's64', 'f32', 'f64', 'char', 'bool', 'string', 'error-context');

module.exports = grammar({
  name: 'wit',

  word: $ => $.identifier,
  extras: $ => [/[ \t\r\n]/, $.line_comment, $.block_comment],
  externals: $ => [$.block_comment],
  // Inlined, so that each type costs one reduction less: they are the most frequent nodes.
  inline: $ => [$._path_word, $._type],


  rules: {
    source_file: $ => seq(optional($.package_declaration), repeat($._item)),

    package_declaration: $ => seq('package', field('name', $.package_name), ';'),
    package_name: $ => seq($.identifier, ':', $.identifier, optional(seq('@', $.version))),

    _item: $ => choice($.nested_package, $.toplevel_use, $.interface, $.world),
    nested_package: $ => seq(
      optional($._attributes), 'package', field('name', $.package_name), '{', repeat($._item), '}'),
    toplevel_use: $ => seq(
      optional($._attributes), 'use', $.use_path, optional(seq('as', field('alias', $.identifier))), ';'),
    interface: $ => seq(
      optional($._attributes), 'interface', field('name', $.identifier), $.interface_body),
    interface_body: $ => seq('{', repeat($._interface_item), '}'),
    world: $ => seq(optional($._attributes), 'world', field('name', $.identifier), $.world_body),
    world_body: $ => seq('{', repeat($._world_item), '}'),

    // Gates and names for the outside world.
    _attributes: $ => repeat1($.attribute),
    attribute: $ => seq('@', choice(
      seq('since', '(', 'version', '=', $.version, ')'),
      seq('deprecated', '(', 'version', '=', $.version, ')'),
      seq('unstable', '(', 'feature', '=', $.identifier, ')'),
      seq('external-id', '(', $.string_literal, ')'))),

    // Paths.
    use_path: $ => choice(
      $._path_word,
      seq($._path_word, ':', $._path_word, '/', $.identifier, optional(seq('@', $.version)))),
    _path_word: $ => choice($.identifier, alias('get', $.identifier), alias('set', $.identifier)),

    // Interfaces.
    _interface_item: $ => choice($.use, $._typedef, $.function),
    use: $ => seq(
      optional($._attributes), 'use', $.use_path, '.', '{', commaList($.use_name), '}', ';'),
    use_name: $ => seq($.identifier, optional(seq('as', $.identifier))),
    function: $ => seq(
      optional($._attributes), field('name', $.identifier), ':', $.function_type, ';'),
    function_type: $ => seq(
      choice(seq(optional('async'), 'func'), 'get', 'set'), $.parameters, optional($.result)),
    parameters: $ => seq('(', commaList($.parameter), ')'),
    parameter: $ => seq($.identifier, ':', $._type),
    result: $ => seq('->', $._type),

    // Worlds.
    _world_item: $ => choice($.use, $._typedef, $.import, $.export, $.include),
    import: $ => seq(optional($._attributes), 'import', $._extern),
    export: $ => seq(optional($._attributes), 'export', $._extern),
    _extern: $ => choice(
      seq($.use_path, ';'),
      seq(field('name', $._path_word), ':', $.use_path, ';'),
      seq(field('name', $._path_word), ':', $.function_type, ';'),
      seq(field('name', $._path_word), ':', 'interface', $.interface_body)),
    include: $ => seq(
      optional($._attributes), 'include', $.use_path,
      choice(';', seq('with', '{', commaList($.include_name), '}'))),
    include_name: $ => seq($.identifier, 'as', $.identifier),

    // Named types.
    _typedef: $ => choice(
      $.type_alias, $.record, $.flags, $.variant, $.enum, $.resource),
    type_alias: $ => seq(
      optional($._attributes), 'type', field('name', $.identifier), '=', $._type, ';'),
    record: $ => seq(
      optional($._attributes), 'record', field('name', $.identifier), '{', commaList($.field), '}'),
    field: $ => seq($.identifier, ':', $._type),
    flags: $ => seq(
      optional($._attributes), 'flags', field('name', $.identifier), '{', commaList(alias($.identifier, $.label)), '}'),
    variant: $ => seq(
      optional($._attributes), 'variant', field('name', $.identifier), '{', commaList($.case), '}'),
    case: $ => seq($.identifier, optional(seq('(', $._type, ')'))),
    enum: $ => seq(
      optional($._attributes), 'enum', field('name', $.identifier), '{', commaList(alias($.identifier, $.label)), '}'),
    resource: $ => seq(
      optional($._attributes), 'resource', field('name', $.identifier),
      choice(';', seq('{', repeat(choice($.constructor, $.method)), '}'))),
    constructor: $ => seq(optional($._attributes), 'constructor', $.parameters, optional($.result), ';'),
    method: $ => seq(
      optional($._attributes), field('name', $.identifier), ':', optional('static'), $.function_type, ';'),

    // Types.
    _type: $ => choice(
      alias(primitive, $.primitive_type), $.tuple_type, $.list_type, $.option_type, $.result_type, $.map_type,
      $.handle_type, $.future_type, $.stream_type, alias($.identifier, $.named_type)),
    tuple_type: $ => seq('tuple', '<', commaList($._type), '>'),
    list_type: $ => seq('list', '<', $._type, optional(seq(',', $.integer)), '>'),
    option_type: $ => seq('option', '<', $._type, '>'),
    result_type: $ => seq('result', optional(seq(
      '<', choice(seq('_', ',', $._type), seq($._type, optional(seq(',', $._type)))), '>'))),
    map_type: $ => seq('map', '<', $._type, ',', $._type, '>'),
    handle_type: $ => seq(choice('own', 'borrow'), '<', $.identifier, '>'),
    future_type: $ => seq('future', optional(seq('<', $._type, '>'))),
    stream_type: $ => seq('stream', optional(seq('<', $._type, '>'))),

    // Words.
    identifier: _ => /%[A-Za-z0-9_\u{80}-\u{10ffff}\-]*|[A-Za-z_\u{80}-\u{10ffff}][A-Za-z0-9_\u{80}-\u{10ffff}\-]*/u,
    integer: _ => /[0-9]+/,
    // The parts touch: `1.0.0-a.` before a brace ends after the `a`.
    version: _ => seq(
      /[0-9]+/, token.immediate('.'), token.immediate(/[0-9]+/), token.immediate('.'),
      token.immediate(/[0-9]+/),
      optional(token.immediate(/-[0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*/)),
      optional(token.immediate(/\+[0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*/))),
    string_literal: _ => /"([^"\\\n]|\\.)*"/,

    line_comment: _ => token(seq('//', /[^\n]*/)),
  },
});
