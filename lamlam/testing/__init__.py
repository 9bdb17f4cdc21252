"""Fresh stores of every kind for the tests of projects that use lamlam: a pytest plugin."""
