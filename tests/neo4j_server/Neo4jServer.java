// The Neo4j Community database with its Bolt connector, in one process that the tests own.
//
// Usage: java -cp 'lib/*' Neo4jServer.java HOME SETTINGS_FILE
//
// LAMLAM_NEO4J_PASSWORD: the first password; without it the user has to change it from "neo4j".
//
// Prints "ready PORT" once it answers. Ends cleanly when standard input closes or when the
// process that started it is gone, so that nothing is left behind.

import java.nio.file.Path;
import java.util.Map;
import org.neo4j.configuration.connectors.ConnectorPortRegister;
import org.neo4j.configuration.connectors.ConnectorType;
import org.neo4j.dbms.api.DatabaseManagementService;
import org.neo4j.dbms.api.DatabaseManagementServiceBuilder;
import org.neo4j.graphdb.GraphDatabaseService;
import org.neo4j.graphdb.Result;
import org.neo4j.kernel.internal.GraphDatabaseAPI;

public class Neo4jServer {
    public static void main(String[] arguments) throws Exception {
        // A child that the starter forked may hold standard input open: its death counts by itself.
        ProcessHandle.current().parent().ifPresent(
            parent -> parent.onExit().thenRun(() -> System.exit(0)));
        DatabaseManagementService service =
            new DatabaseManagementServiceBuilder(Path.of(arguments[0]))
                .loadPropertiesFromFile(Path.of(arguments[1]))
                .build();
        Runtime.getRuntime().addShutdownHook(new Thread(service::shutdown));
        GraphDatabaseAPI system = (GraphDatabaseAPI) service.database("system");
        String password = System.getenv("LAMLAM_NEO4J_PASSWORD");
        if (password != null) {
            setFirstPassword(system, password);
        }
        int port = system.getDependencyResolver().resolveDependency(ConnectorPortRegister.class)
            .getLocalAddress(ConnectorType.BOLT).getPort();
        System.out.println("ready " + port);
        while (System.in.read() != -1) {
            // Nothing is ever written: only the end of the stream counts.
        }
        System.exit(0);
    }

    /** The user neo4j has this password, if nobody has set one in this folder yet. */
    private static void setFirstPassword(GraphDatabaseService system, String password) {
        String asks = "SHOW USERS YIELD user, passwordChangeRequired"
            + " WHERE user = 'neo4j' AND passwordChangeRequired RETURN user";
        if (system.executeTransactionally(asks, Map.of(), Result::hasNext)) {
            system.executeTransactionally(
                "ALTER USER neo4j SET PASSWORD $password CHANGE NOT REQUIRED",
                Map.of("password", password));
        }
    }
}
