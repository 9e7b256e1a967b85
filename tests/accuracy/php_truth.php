<?php
// Definitions by nikic/php-parser: file names on standard input, one JSON array per definition on standard output.
// Counted: classes, interfaces, traits, enums, namespaces, functions and methods, wherever they stand.
// A namespace without braces ends with its statement.
// The first argument names the autoloader of the library.
require $argv[1];

use PhpParser\Node;
use PhpParser\Node\Stmt;

final class Reader extends PhpParser\NodeVisitorAbstract
{
    public string $path = '';

    public function enterNode(Node $node)
    {
        $named = $node instanceof Stmt\ClassLike || $node instanceof Stmt\Function_
            || $node instanceof Stmt\ClassMethod || $node instanceof Stmt\Namespace_;
        if ($named && $node->name !== null) {
            $this->say(str_replace('\\', '.', $node->name->toString()), $node->name->getStartLine(), $this->end($node));
        }
        return null;
    }

    private function end(Node $node): int
    {
        $open = $node instanceof Stmt\Namespace_ && $node->getAttribute('kind') === Stmt\Namespace_::KIND_SEMICOLON;
        return $open ? $node->name->getEndLine() : $node->getEndLine();
    }

    public function say(string $name, int $line, int $end): void
    {
        echo json_encode([$this->path, $name, $line, $end, ''], JSON_INVALID_UTF8_SUBSTITUTE), "\n";
    }
}

$parser = (new PhpParser\ParserFactory())->create(PhpParser\ParserFactory::PREFER_PHP7);
foreach (array_filter(explode("\n", stream_get_contents(STDIN))) as $path) {
    try {
        $tree = $parser->parse(file_get_contents($path));
    } catch (PhpParser\Error) {
        continue;
    }
    $reader = new Reader();
    $reader->path = $path;
    $reader->say('', 1, 1);
    $traverser = new PhpParser\NodeTraverser();
    $traverser->addVisitor($reader);
    $traverser->traverse($tree);
}
