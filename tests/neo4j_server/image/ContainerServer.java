// The Neo4j Community database with its Bolt connector, as the one program of a container.
//
// Usage: java -cp ContainerServer.class:'lib/*' ContainerServer HOME SETTINGS_FILE
//
// NEO4J_AUTH, as the official image takes it: "neo4j/PASSWORD" is the first password, "none" lets
// everybody in, and without it the user has to change "neo4j". Ends cleanly on SIGTERM.

import java.nio.file.Path;
import java.util.Map;
import org.neo4j.dbms.api.DatabaseManagementService;
import org.neo4j.dbms.api.DatabaseManagementServiceBuilder;
import org.neo4j.graphdb.GraphDatabaseService;
import org.neo4j.graphdb.Result;

public class ContainerServer {
    private static final String USER = "neo4j/";
    private static final int SHORTEST = 8; // characters of a password, as in the official image

    public static void main(String[] arguments) throws Exception {
        String auth = System.getenv().getOrDefault("NEO4J_AUTH", "");
        String problem = problemOf(auth);
        if (problem != null) {
            System.err.println(problem);
            System.exit(1);
        }
        DatabaseManagementService service =
            new DatabaseManagementServiceBuilder(Path.of(arguments[0]))
                .loadPropertiesFromFile(Path.of(arguments[1]))
                .build();
        Runtime.getRuntime().addShutdownHook(new Thread(service::shutdown));
        if (auth.startsWith(USER)) {
            setFirstPassword(service.database("system"), auth.substring(USER.length()));
        }
        // The official image ends its start with these two lines, and tools wait for them.
        System.out.println("INFO  Remote interface available at http://localhost:7474/ (Bolt alone here)");
        System.out.println("INFO  Started.");
        Thread.currentThread().join();
    }

    /** What is wrong with NEO4J_AUTH; null where nothing is. */
    private static String problemOf(String auth) {
        if (auth.isEmpty() || auth.equals("none")) {
            return null;
        }
        if (!auth.startsWith(USER)) {
            return "Invalid admin username, it must be neo4j. Write NEO4J_AUTH=neo4j/PASSWORD";
        }
        if (auth.length() < USER.length() + SHORTEST) {
            return "Invalid value for password. The minimum password length is 8 characters.";
        }
        return auth.equals("neo4j/neo4j")
            ? "Invalid value for password. It cannot be 'neo4j', which is the default."
            : null;
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
