// Runs one statement, for health checks that are written for the official image, whose
// cypher-shell is not on Maven Central.
//
// Usage: java CypherShell -u USER -p PASSWORD [-a ADDRESS] [-d DATABASE] STATEMENT

import java.util.HashMap;
import java.util.Map;
import org.neo4j.driver.AuthTokens;
import org.neo4j.driver.Driver;
import org.neo4j.driver.GraphDatabase;
import org.neo4j.driver.Record;
import org.neo4j.driver.Session;
import org.neo4j.driver.SessionConfig;

public class CypherShell {
    public static void main(String[] arguments) {
        Map<String, String> options = new HashMap<>(Map.of(
            "-u", "neo4j", "-p", "", "-a", "bolt://localhost:7687", "-d", "neo4j"));
        String statement = "RETURN 1";
        for (int n = 0; n < arguments.length; n++) {
            if (options.containsKey(arguments[n])) {
                options.put(arguments[n], arguments[++n]);
            } else {
                statement = arguments[n];
            }
        }
        try (Driver driver = GraphDatabase.driver(options.get("-a"),
                AuthTokens.basic(options.get("-u"), options.get("-p")));
             Session session = driver.session(SessionConfig.forDatabase(options.get("-d")))) {
            for (Record record : session.run(statement).list()) {
                System.out.println(record.values());
            }
        } catch (RuntimeException error) {
            System.err.println(error.getMessage());
            System.exit(1);
        }
    }
}
