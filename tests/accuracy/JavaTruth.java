// Definitions by javac's own parser: file names on standard input, one JSON array per definition on standard output.
// Counted: classes, records, interfaces, enums, annotations, methods, constructors, wherever they stand.
// java --add-exports jdk.compiler/com.sun.tools.javac.tree=ALL-UNNAMED JavaTruth.java
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePathScanner;
import com.sun.source.util.Trees;
import com.sun.tools.javac.tree.JCTree;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.List;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

public class JavaTruth {
    public static void main(String[] arguments) throws Exception {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StandardJavaFileManager files = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8);
        String listing = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        for (String path : listing.split("\n")) {
            DiagnosticCollector<JavaFileObject> errors = new DiagnosticCollector<>();
            Iterable<? extends JavaFileObject> file = files.getJavaFileObjects(new File(path));
            JavacTask task = (JavacTask) compiler.getTask(null, files, errors, List.of("-proc:none"), null, file);
            for (CompilationUnitTree unit : task.parse())
                if (errors.getDiagnostics().stream().noneMatch(each -> each.getKind().toString().equals("ERROR")))
                    new Reader(path, unit, task).read();
        }
    }

    private static final class Reader extends TreePathScanner<Void, Void> {
        private final String path;
        private final CompilationUnitTree unit;
        private final JavacTask task;
        private final String text;

        Reader(String path, CompilationUnitTree unit, JavacTask task) throws Exception {
            this.path = path;
            this.unit = unit;
            this.task = task;
            this.text = unit.getSourceFile().getCharContent(true).toString();
        }

        void read() {
            say("", 0, 0);
            scan(unit, null);
        }

        @Override
        public Void visitClass(ClassTree node, Void nothing) {
            String name = node.getSimpleName().toString();
            if (!name.isEmpty())
                say(name, text.indexOf(name, ((JCTree.JCClassDecl) node).pos), end((JCTree) node));
            return super.visitClass(node, nothing);
        }

        @Override
        public Void visitMethod(MethodTree node, Void nothing) {
            JCTree.JCMethodDecl method = (JCTree.JCMethodDecl) node;
            String name = node.getName().toString();
            if (name.equals("<init>"))
                name = ((ClassTree) getCurrentPath().getParentPath().getLeaf()).getSimpleName().toString();
            say(name, method.pos, end(method));
            return super.visitMethod(node, nothing);
        }

        private int end(JCTree node) {
            return (int) Trees.instance(task).getSourcePositions().getEndPosition(unit, node) - 1;
        }

        private void say(String name, int at, int end) {
            System.out.println("[\"" + path + "\",\"" + name + "\"," + line(at) + "," + line(end) + ",\"\"]");
        }

        private long line(int at) {
            return 1 + text.substring(0, Math.min(Math.max(at, 0), text.length())).chars().filter(c -> c == '\n').count();
        }
    }
}
